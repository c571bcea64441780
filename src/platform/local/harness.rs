//! Harness processes: one per result folder, supervised there.

use super::supervisor::process::Launch;
use super::supervisor::{Cause, Exit, Folder, GRACE};
use super::{failed, relative};
use crate::engine::{Context, Failure, LogSource, Progress};
use crate::harness::{HarnessJob, JobExit, ProcessExit, progress};
use crate::workspace::Instance;
use futures::future::{join_all, try_join_all};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// Between two looks at the progress files.
const LOOK: Duration = Duration::from_millis(250);

/// Start the job's processes, except those that were started before.
pub(super) async fn launch(binary: &Path, job: &HarnessJob) -> Result<(), Failure> {
    let launches = job.folders.iter().map(|path| async move {
        let folder = Folder::at(path);
        let results = path.to_string_lossy();
        let command: Vec<OsString> = job
            .argv
            .iter()
            .map(|word| word.replace("{results}", &results).into())
            .collect();
        let mut env = job.env.clone();
        for value in env.values_mut() {
            *value = value.replace("{results}", &results);
        }
        let launch = Launch {
            supervisor: binary,
            command,
            env: &env,
            timeout: job.timeout,
        };
        folder.launch(&launch).await.map_err(|error| failed(&error))
    });
    try_join_all(launches).await.map(|_| ())
}

/// Tell that the logs of the job's processes can be followed.
pub(super) async fn logs_seen(instance: &Instance, job: &HarnessJob, context: &dyn Context) {
    for (index, path) in job.folders.iter().enumerate() {
        let folder = Folder::at(path);
        let number = index + 1;
        for (name, path) in [
            (format!("harness {number}"), folder.stdout()),
            (format!("harness {number} stderr"), folder.stderr()),
        ] {
            let path = relative(instance, &path);
            context.log_seen(job.scope, LogSource { name, path }).await;
        }
    }
}

/// Wait for the job's processes; end them when the work is cancelled.
pub(super) async fn wait(job: &HarnessJob, context: &dyn Context) -> Result<JobExit, Failure> {
    let folders: Vec<Folder> = job.folders.iter().map(Folder::at).collect();
    let ended = try_join_all(folders.iter().map(Folder::wait));
    tokio::pin!(ended);
    let exits = loop {
        tokio::select! {
            exits = &mut ended => break exits,
            () = context.cancelled().cancelled() => {
                let ends = join_all(folders.iter().map(|folder| folder.end(GRACE))).await;
                break ends.into_iter().collect();
            }
            () = tokio::time::sleep(LOOK) => report_progress(job, context),
        }
    };
    let exits = exits.map_err(|error| failed(&error))?;
    if let Some(trouble) = exits.iter().find_map(|exit| exit.trouble.as_ref()) {
        return Err(Failure::new(format!("a harness process: {trouble}")));
    }
    Ok(job_exit(&exits))
}

fn job_exit(exits: &[Exit]) -> JobExit {
    let any = |cause: Cause| exits.iter().any(|exit| exit.cause == cause);
    JobExit {
        processes: exits
            .iter()
            .map(|exit| ProcessExit {
                code: exit.code,
                signal: exit.signal,
            })
            .collect(),
        cancelled: any(Cause::Request) || any(Cause::NeverStarted),
        timed_out: any(Cause::Timeout),
    }
}

fn report_progress(job: &HarnessJob, context: &dyn Context) {
    let reports: Vec<progress::Told> = job
        .folders
        .iter()
        .filter_map(|folder| progress::read(folder))
        .collect();
    let text = match reports.as_slice() {
        [] => return,
        [one] if !one.text.is_empty() => one.text.clone(),
        all => {
            let (done, total) = sum(all);
            format!("{done} of {total} requests")
        }
    };
    let (done, total) = sum(&reports);
    context.progress(Progress {
        scope: job.scope,
        done,
        total,
        text: crate::text::sanitize(&text).into_owned(),
    });
}

fn sum(reports: &[progress::Told]) -> (u64, u64) {
    reports.iter().fold((0, 0), |(done, total): (u64, u64), one| {
        (done.saturating_add(one.done), total.saturating_add(one.total))
    })
}
