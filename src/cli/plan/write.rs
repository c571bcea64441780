//! The files of a plan on disk, in an instance folder of their own, laid out as llm-d-benchmark does.

use super::super::exit::{self, Exit};
use crate::plan::{RenderedSetup, SweepPlan};
use crate::workspace::{self, Instance};
use std::fs;
use std::path::{Path, PathBuf};

/// Write the plans of all setup treatments below `root`. Those of an experiment get a folder each.
pub(super) fn write(
    root: &Path,
    plan: &SweepPlan,
    setups: &[RenderedSetup],
    by_treatment: bool,
) -> Result<Instance, Exit> {
    let mut files = Vec::new();
    for setup in setups {
        let made = plan
            .files(setup)
            .map_err(|reason| Exit::new(exit::USAGE, reason))?;
        files.push((setup, made));
    }
    let failed = |error: &dyn std::fmt::Display| Exit::new(exit::ENVIRONMENT, error.to_string());
    // Only now, so that nothing is left of a plan that cannot be written.
    let instance = workspace::create(root).map_err(|error| failed(&error))?;
    for (setup, files) in files {
        let folder = folder(&instance, &setup.setup, by_treatment);
        for file in files {
            let path = folder.join(&file.path);
            path.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&path, &file.text))
                .map_err(|error| failed(&format!("cannot write {}: {error}", path.display())))?;
        }
    }
    if by_treatment {
        // The instance's own folder of plans is that of a plan without treatments.
        let _ = fs::remove_dir(instance.plan());
    }
    instance.make_latest_plan().map_err(|error| failed(&error))?;
    Ok(instance)
}

/// Where the plan of a setup treatment lies.
pub(super) fn folder(instance: &Instance, setup: &str, by_treatment: bool) -> PathBuf {
    if by_treatment {
        instance.setup(setup).join("plan")
    } else {
        instance.plan()
    }
}
