//! `mbsync`, as it comes: with its fsync for every message.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use ::tests::lab::PASSWORD;

use super::{Fetch, Lab, USER};
use crate::{
    Failure,
    bench::measure::{most_memory, processor_time},
};

/// Lets it fetch the mailbox into a new Maildir.
pub fn fetch(lab: &Lab, round: u32, mails: u32) -> Result<Fetch, Failure> {
    let home = lab.directory().join(format!("mbsync-{round}"));
    fs::create_dir(&home)?;
    let file = home.join("mbsyncrc");
    let text = format!(
        "IMAPAccount lab\nHost localhost\nPort {port}\nUser {USER}\nPass {PASSWORD}\nSSLType IMAPS\nCertificateFile {authority}\nTimeout 120\n\n\
         IMAPStore far\nAccount lab\n\n\
         MaildirStore near\nPath {home}/\nInbox {home}/inbox\n\n\
         Channel all\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nSync Pull\nSyncState *\n",
        port = lab.dovecot.imaps,
        authority = lab.certificates.authority.display(),
        home = home.display(),
    );
    fs::write(&file, text)?;
    let log = fs::File::create(home.join("log"))?;
    let begin = Instant::now();
    let mut child = Command::new("mbsync")
        .arg("--config")
        .arg(&file)
        .args(["--quiet", "--all"])
        .env("HOME", &home)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    let (mut memory, mut used) = (0, Duration::ZERO);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        memory = most_memory(child.id()).unwrap_or(memory);
        used = processor_time(child.id()).unwrap_or(used);
        thread::sleep(Duration::from_millis(20));
    };
    let seconds = begin.elapsed().as_secs_f64();
    let stored = ["new", "cur"]
        .iter()
        .filter_map(|folder| fs::read_dir(home.join("inbox").join(folder)).ok())
        .map(Iterator::count)
        .sum::<usize>();
    if !status.success() || stored != mails as usize {
        let log = fs::read_to_string(home.join("log")).unwrap_or_default();
        return Err(format!("mbsync stored {stored} of {mails} mails; it says: {log}").into());
    }
    fs::remove_dir_all(&home)?;
    Ok(Fetch {
        seconds,
        memory,
        processor: (used, Duration::ZERO),
    })
}
