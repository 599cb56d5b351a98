//! Relups that the store lacks, with what the project's own module makes of them.

use crate::{
    cli::options::RelupArgs,
    ctx::Ctx,
    error::Error,
    modification::{self, Modification},
    relup::Prepared,
    store::blocking,
};

/// Which module changes them: what the command line says, or else the configuration.
///
/// # Errors
/// When the configuration is missing or wrong.
pub(in crate::cmd) fn modification(ctx: &Ctx, how: &RelupArgs) -> Result<Modification, Error> {
    let configured = ctx.settings()?.build.as_ref().map_or(Modification::Found, Modification::configured);
    Ok(how.modification().unwrap_or(configured))
}

/// Has them changed, where the release has a module for it, and tells who did.
///
/// # Errors
/// The module, or the build host; nothing is kept then.
pub(in crate::cmd) async fn modify(ctx: &Ctx, prepared: &mut Prepared, wanted: Modification) -> Result<(), Error> {
    let modules = candidates(ctx, prepared, wanted).await?;
    if modules.is_empty() {
        return Ok(());
    }
    let (store, build) = (ctx.store()?, ctx.loaded()?.build()?.clone());
    let modified = modification::modify(prepared, modules, (&store, &build, ctx.limits()?)).await?;
    ctx.reporter.info(format!("the relup is changed by {}", modified.modules.join(" or ")));
    modified.warnings.into_iter().for_each(|warning| ctx.reporter.warn(warning, Vec::new()));
    Ok(())
}

/// The modules of which one would change what the store lacks.
pub(in crate::cmd) async fn candidates(ctx: &Ctx, prepared: &Prepared, wanted: Modification) -> Result<Vec<String>, Error> {
    if prepared.already() {
        return Ok(Vec::new());
    }
    let (store, to) = (ctx.store()?, prepared.to().clone());
    Ok(blocking(move || modification::candidates(&store, &to, &wanted)).await?)
}
