//! The way there and back, when all goes well.

use super::{
    hosts::{Host, SHELLS, only},
    releases::Release,
};

#[tokio::test]
async fn a_release_is_put_beside_the_other_and_back_again() {
    for shell in SHELLS {
        let host = Host::new(shell);
        let (first, second) = (Release::new("0.1.0"), Release::new("0.2.0"));
        host.deploy(&first).await.assert_done();
        host.assert_complete(&first);
        host.assert_boots(&first);
        host.deploy(&second).await.assert_done();
        host.assert_complete(&first);
        host.assert_complete(&second);
        host.assert_boots(&second);
        assert_eq!(host.read(".edeliver/previous"), "0.1.0\n");
        host.rollback().await.assert_done();
        host.assert_boots(&first);
        host.assert_tidy();
    }
}

#[tokio::test]
async fn a_plan_for_what_is_there_is_empty() {
    for shell in SHELLS {
        let host = Host::new(shell);
        let release = Release::new("0.1.0");
        host.deploy(&release).await.assert_done();
        let before = host.tree();
        let plan = host.plan(&release, |_| {}).await;
        assert!(plan.is_empty(), "{:?}", only(&plan));
        host.apply(&plan, Some(&release)).await.assert_done();
        assert_eq!(host.tree(), before);
    }
}
