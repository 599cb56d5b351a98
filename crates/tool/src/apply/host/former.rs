//! The node that will be stopped: it is looked at while the release is put beside it, so that the one after it can be compared with it.

use edeliver_core::{
    health::Past,
    plan::HostPlan,
    step::{Step, Watch},
};

use crate::{
    apply::Site,
    upgrade::{Before, Session},
};

/// What is known of it.
#[derive(Default)]
pub(super) enum Former {
    /// Nothing: there is none, nobody wants to know, or it can't be asked.
    #[default]
    NotLookedAt,
    /// It is being looked at.
    Watched(Box<Before>),
    /// What was seen of it.
    Seen(Past),
}

impl Former {
    /// Begins to look, where that has not begun and the node after it will be compared.
    pub(super) async fn look(&mut self, plan: &HostPlan, site: &Site) {
        let (Self::NotLookedAt, Some(watch)) = (&self, successor(plan)) else { return };
        let session = Session::new(site.transport.clone(), site.place.clone(), "run".to_owned());
        if let Some(before) = Before::begin(session, watch).await {
            *self = Self::Watched(Box::new(before));
        }
    }
    /// Looks no longer: it is about to be stopped, or will not be.
    pub(super) async fn look_away(&mut self) {
        *self = match std::mem::take(self) {
            Self::Watched(before) => before.end().await.map_or(Self::NotLookedAt, Self::Seen),
            other => other,
        };
    }
    /// What the node after it is compared with.
    pub(super) fn past(&self) -> Option<&Past> {
        match self {
            Self::Seen(past) => Some(past),
            Self::NotLookedAt | Self::Watched(_) => None,
        }
    }
}

/// How the node after it is watched, if it is stopped at all.
fn successor(plan: &HostPlan) -> Option<&Watch> {
    let watch = plan.steps.iter().find_map(|step| if let Step::Watch(watch) = step { Some(watch) } else { None });
    watch.filter(|_| plan.steps.iter().any(|step| matches!(step, Step::Stop { .. })))
}
