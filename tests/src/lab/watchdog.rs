//! A small process that outlives the lab by a moment and clears up if the lab was killed.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::Mutex,
};

use nix::sys::signal::Signal;

use super::error::{Doing, LabError};

/// Reads what runs from its input; at the end of input, which comes however the lab ends, it stops
/// what is still running. The lab's orderly stop takes everything off the list first.
const SCRIPT: &str = r#"
trap '' INT TERM HUP QUIT
groups=''
scratch=''
while read -r word value; do
  case $word in
    run) groups="$groups $value" ;;
    done)
      rest=''
      for entry in $groups; do
        [ "${entry#*:}" = "$value" ] || rest="$rest $entry"
      done
      groups=$rest ;;
    scratch) scratch=$value ;;
  esac
done
for entry in $groups; do kill -s "${entry%%:*}" -- "-${entry#*:}"; done
tries=0
while [ "$tries" -lt 50 ]; do
  alive=''
  for entry in $groups; do kill -0 -- "-${entry#*:}" && alive=yes; done
  [ -n "$alive" ] || break
  tries=$((tries + 1))
  sleep 0.1
done
for entry in $groups; do kill -s KILL -- "-${entry#*:}"; done
[ -z "$scratch" ] || rm -rf -- "$scratch"
"#;

/// The handle to that process; dropping it lets the process act on what is left on its list.
#[derive(Debug)]
pub struct Watchdog {
    child: Mutex<Child>,
    input: Mutex<Option<ChildStdin>>,
}

impl Watchdog {
    /// Starts it with an empty list.
    pub fn start() -> Result<Self, LabError> {
        let mut child = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "postern-lab-watchdog"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Its own group, so that Ctrl-C in the terminal does not reach it.
            .process_group(0)
            .spawn()
            .doing("starting the watchdog by /bin/sh")?;
        let input = child.stdin.take();
        Ok(Self {
            child: Mutex::new(child),
            input: Mutex::new(input),
        })
    }

    /// From now on this process group is stopped by this signal if the lab dies.
    pub fn watch(&self, group: i32, signal: Signal) {
        let name = signal.as_str().trim_start_matches("SIG");
        self.tell(&format!("run {name}:{group}\n"));
    }

    /// The process group has ended; its number may soon belong to somebody else.
    pub fn forget(&self, group: i32) {
        self.tell(&format!("done {group}\n"));
    }

    /// This directory is to be removed if the lab dies.
    pub(crate) fn remove_afterwards(&self, directory: &Path) {
        self.tell(&format!("scratch {}\n", directory.display()));
    }

    /// A watchdog that cannot be told anything has died, which is no reason to stop the lab.
    fn tell(&self, line: &str) {
        if let Ok(mut input) = self.input.lock()
            && let Some(pipe) = input.as_mut()
        {
            let _ = pipe.write_all(line.as_bytes());
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Ok(mut input) = self.input.lock() {
            drop(input.take());
        }
        if let Ok(mut child) = self.child.lock() {
            let _ = child.wait();
        }
    }
}
