//! `seedmark model info`: what a model is, and whether this machine keeps the portable profile.

use crate::arguments::{Model, ModelCommand};
use crate::exit::Exit;
use crate::{machine, output};
use anyhow::Result;
use engine::executor::Executor as _;
use engine::profile;
use serde_json::json;

pub(crate) fn run(options: &Model) -> Result<Exit> {
    let ModelCommand::Info {
        model,
        json: as_json,
    } = &options.command;
    let model = machine::model(model.as_deref())?;
    let runtime = machine::runtime();
    let tested = runtime
        .as_ref()
        .map_err(ToString::to_string)
        .and_then(|runtime| {
            profile::self_test(runtime)
                .map(|()| runtime.runtime())
                .map_err(|error| error.to_string())
        });
    if *as_json {
        output::json(
            &json!({ "digest": model.digest, "manifest": model.manifest, "cpu": profile::cpu(), "portable_1": tested.is_ok(), "runtime": tested }),
        );
    } else {
        let manifest = &model.manifest;
        output::line(&format!(
            "{} {}\ndigest    {}\nlicence   {}\nprofile   {}",
            manifest.name,
            manifest.version,
            model.digest,
            manifest.licence,
            manifest.profile.name()
        ));
        let sizes: Vec<String> = manifest
            .sizes
            .iter()
            .map(|size| format!("{}×{}", size.width, size.height))
            .collect();
        output::line(&format!(
            "sizes     {}\nprompt    at most {} tokens\nsampling  {} steps, guidance {}.{:03}",
            sizes.join(", "),
            manifest.text_tokens,
            manifest.steps,
            manifest.guidance_milli / 1000,
            manifest.guidance_milli % 1000
        ));
        for file in &manifest.files {
            output::line(&format!(
                "file      {:<20} {:>10} bytes  {}",
                file.name, file.bytes, file.blake3
            ));
        }
        output::line(&format!("machine   {}", profile::cpu()));
        output::line(&match &tested {
            Ok(runtime) => {
                format!("self-test passed with {runtime}: this machine keeps portable-1")
            }
            Err(why) => format!("self-test failed: {why}"),
        });
    }
    Ok(if tested.is_ok() {
        Exit::Success
    } else {
        Exit::Unsupported
    })
}
