use super::*;
use crate::event::{HostOutcome, HostResult};

fn notice(moment: &str, ended: Option<Ended>) -> Notice {
    Notice {
        v: SCHEMA,
        moment: moment.to_owned(),
        run: "20261126-180000-3f2a".parse().unwrap(),
        app: "shop".parse().unwrap(),
        by: Some("alice".to_owned()),
        seconds: 75,
        stage: Stage {
            action: Action::Deploy,
            title: "deploy shop 0.2.0 to production".to_owned(),
            target: Some("production".parse().unwrap()),
            version: Some("0.2.0".parse().unwrap()),
            hosts: vec!["web1".parse().unwrap(), "web2".parse().unwrap()],
        },
        wave: None,
        ended,
    }
}
fn ended(exit_code: u8, interrupted: bool, hosts: &[(&str, HostResult, &str)]) -> Option<Ended> {
    let row = |(host, result, summary): &(&str, HostResult, &str)| HostOutcome {
        host: host.parse().unwrap(),
        result: *result,
        summary: (*summary).to_owned(),
    };
    let outcome = Outcome { hosts: hosts.iter().map(row).collect(), exit_code, interrupted };
    Some(Ended { result: RunResult::of(&outcome), outcome, causes: Vec::new() })
}
fn text(notice: &Notice) -> String {
    let slack: serde_json::Value = serde_json::from_str(&notice.slack()).unwrap();
    slack["text"].as_str().unwrap().to_owned()
}

#[test]
fn programs_get_the_same_by_variables_and_by_json() {
    let notice = notice("on-failure", ended(8, false, &[("web1", HostResult::Failed, "0.1.0 serves")]));
    let variable = |name: &str| notice.environment().into_iter().find(|(known, _)| *known == name).map(|(_, value)| value).unwrap();
    assert_eq!(variable("EDELIVER_RUN_MOMENT"), "on-failure");
    assert_eq!(variable("EDELIVER_RUN_HOSTS"), "web1 web2");
    assert_eq!((variable("EDELIVER_RUN_RESULT"), variable("EDELIVER_RUN_EXIT_CODE")), ("failed".to_owned(), "8".to_owned()));
    let json: serde_json::Value = serde_json::from_str(&notice.json()).unwrap();
    assert_eq!(json["v"], 1);
    assert_eq!(json["action"], "deploy");
    assert_eq!(json["hosts"], serde_json::json!(["web1", "web2"]));
    assert_eq!(json["ended"]["hosts"][0]["result"], "failed");
    assert_eq!(json["ended"]["result"], "failed");
    assert!(!notice.json().contains('\n'));
    assert_eq!(serde_json::from_str::<Notice>(&notice.json()).unwrap(), notice);
}

#[test]
fn a_chat_is_told_the_beginning_and_a_good_end_in_a_line_each() {
    assert_eq!(text(&notice("start", None)), "deploy shop 0.2.0 to production: begins on 2 hosts (alice)");
    let good = notice("success", ended(0, false, &[("web1", HostResult::Done, "0.2.0 running")]));
    assert_eq!(text(&good), "deploy shop 0.2.0 to production: done after 1 min 15 s (alice)");
}

#[test]
fn of_a_bad_end_hosts_in_trouble_are_told_first() {
    let hosts = [("web1", HostResult::Done, "0.2.0 running"), ("web2", HostResult::Broken, "look at it")];
    let mut bad = notice("failure", ended(8, false, &hosts));
    bad.ended.as_mut().unwrap().causes = vec!["the disk is full".to_owned()];
    let told = text(&bad);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "deploy shop 0.2.0 to production: FAILED after 1 min 15 s (alice)");
    assert_eq!(lines[1..], ["the disk is full", "web2: broken – look at it", "web1: done – 0.2.0 running"]);
    assert!(text(&notice("failure", ended(130, true, &[]))).contains("INTERRUPTED"));
}

#[test]
fn nothing_of_a_message_is_a_command_of_the_chat_and_a_fleet_does_not_flood_it() {
    let names: Vec<String> = (0..40).map(|n| format!("w{n}")).collect();
    let hosts: Vec<_> =
        names.iter().map(|name| (name.as_str(), HostResult::Failed, "<!channel> & <https://evil|x>\n\u{1b}[2J")).collect();
    let told = text(&notice("failure", ended(8, false, &hosts)));
    assert!(!told.contains(['<', '>', '\u{1b}']), "{told}");
    assert!(told.contains("&lt;!channel&gt; &amp; "), "{told}");
    assert_eq!(told.lines().count(), 1 + 15 + 1);
    assert!(told.ends_with("… and 25 more"), "{told}");
}

#[test]
fn every_moment_has_the_word_of_its_key() {
    for moment in Moment::ALL {
        assert_eq!(serde_json::to_value(moment).unwrap(), moment.word());
    }
}

#[test]
fn a_wave_is_told_with_its_own_hosts() {
    let mut notice = notice("before-wave", None);
    notice.wave = Some(Wave { number: 2, of: 3, hosts: vec!["web2".parse().unwrap()], done: Vec::new() });
    let environment = notice.environment();
    assert!(environment.contains(&("EDELIVER_RUN_WAVE", "2/3".to_owned())));
    assert!(environment.contains(&("EDELIVER_RUN_HOSTS", "web2".to_owned())));
}
