//! The second stage of a supervisor: the process that becomes the program.
//!
//! What has to be arranged inside the new process before the program takes over is done here, by a whole process of
//! ours, because code between fork and exec could not be safe Rust.

use super::Folder;
use rustix::io::FdFlags;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Exit code of shells for a program that is there but cannot be run.
const CANNOT_RUN: u8 = 126;
/// Exit code of shells for a program that is not there.
const NOT_FOUND: u8 = 127;

/// Become the program. Returns only when that is not possible; why, is then in the program's stderr.
#[expect(
    clippy::print_stderr,
    reason = "stderr is the program's log file, where its users look first"
)]
pub(super) fn become_program(folder: &Folder, supervisor: i32, command: &[OsString]) -> u8 {
    let Some((program, arguments)) = command.split_first() else {
        return CANNOT_RUN;
    };
    // Held until exec, and then by the program.
    let _alive = match arrange(folder, supervisor) {
        Ok(alive) => alive,
        Err(error) => {
            eprintln!("cannot prepare to run {}: {error}", program.display());
            return CANNOT_RUN;
        }
    };
    let error = Command::new(program).args(arguments).exec();
    eprintln!("cannot run {}: {error}", program.display());
    if error.kind() == io::ErrorKind::NotFound {
        NOT_FOUND
    } else {
        CANNOT_RUN
    }
}

fn arrange(folder: &Folder, supervisor: i32) -> io::Result<OwnedFd> {
    // A session of its own: the program can be ended with all its children, and cannot touch the operator's terminal.
    rustix::process::setsid()?;
    // Survives exec. Comes from the supervisor's only thread, so "the parent" is the supervisor itself.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // The supervisor may have been killed before the line above took effect.
    let parent = rustix::process::getppid().map(|parent| parent.as_raw_nonzero().get());
    if parent != Some(supervisor) {
        return Err(io::Error::other("its supervisor is gone"));
    }
    folder.write_group(rustix::process::getpid().as_raw_nonzero().get())?;
    inheritable_stdin()
}

/// A second descriptor of the locked file that is this process's stdin, out of the way of those that programs use.
///
/// Shells give their background jobs another stdin, and some programs close all but the first three descriptors in
/// their children; one of the two stays open in either.
fn inheritable_stdin() -> io::Result<OwnedFd> {
    let alive = rustix::io::fcntl_dupfd_cloexec(io::stdin(), 200)?;
    rustix::io::fcntl_setfd(&alive, FdFlags::empty())?;
    Ok(alive)
}
