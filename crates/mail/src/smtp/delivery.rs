//! One mail over an open session: `MAIL`, `RCPT`, `DATA`, and what became of each recipient.

use lettre::Address;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;

use super::capabilities::Capabilities;
use super::connection::{SmtpConnection, code, reply};
use super::content::Content;
use super::envelope::{Envelope, needs_smtputf8};
use crate::transport_error::{Cause, Phase, Reply, TransportError};

/// How much of a message is written at a time, each block within its own time limit.
const BLOCK: usize = 64 * 1024;
/// How many commands are written before their replies are read, where the server offers that. Few
/// enough that their replies find room on the line while nobody reads (RFC 2920 section 3.1).
const GROUP: usize = 50;

/// What the server said to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The address, as it was sent.
    pub address: String,
    /// Whether the server takes mail for it.
    pub accepted: bool,
    /// The server's words.
    pub reply: Reply,
}

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a mail may be refused for some or all of its recipients"]
pub struct Delivery {
    /// Every recipient with its answer, in the order of the envelope.
    pub recipients: Vec<Recipient>,
    /// The server's final reply, by which it has taken the mail for the accepted recipients;
    /// none if no recipient was accepted, and therefore nothing was sent.
    pub reply: Option<Reply>,
}

impl Delivery {
    /// Whether the server has taken the mail for at least one recipient.
    pub fn is_sent(&self) -> bool {
        self.reply.is_some()
    }

    /// The recipients that were refused.
    pub fn refused(&self) -> impl Iterator<Item = &Recipient> {
        self.recipients.iter().filter(|r| !r.accepted)
    }

    /// The recipients that were accepted.
    pub fn accepted(&self) -> impl Iterator<Item = &Recipient> {
        self.recipients.iter().filter(|r| r.accepted)
    }
}

/// A mail whose sender and recipients are settled, and whose text has not been sent.
///
/// Dropping it sends nothing; the session is cleaned up before its next mail.
#[derive(Debug)]
#[must_use = "nothing is sent before data()"]
pub struct PreparedDelivery<'c> {
    connection: &'c mut SmtpConnection,
    content: Content,
    recipients: Vec<Recipient>,
}

impl SmtpConnection {
    /// Names sender and recipients of a mail to the server, and where it takes commands in groups asks
    /// it along with them for the go-ahead, which saves a journey to the server and back. Nothing of the mail is sent
    /// before [`PreparedDelivery::data`], so this is the moment to write down that it is about to be.
    ///
    /// A refused recipient does not stop the others.
    ///
    /// # Errors
    /// In the phases Reset, Mail, Rcpt and Data: the sender is refused, the mail is larger than the
    /// server announces to take, or the session broke.
    pub async fn prepare(
        &mut self,
        envelope: &Envelope,
        raw: &[u8],
    ) -> Result<PreparedDelivery<'_>, TransportError> {
        if self.in_transaction {
            self.reset().await?;
        }
        let content = Content::new(raw);
        let parameters = self.mail_parameters(envelope, &content)?;
        let mail = Mail::new(envelope.sender().cloned(), parameters);
        let (recipients, go) = self
            .name_all(&mail.to_string(), envelope.recipients())
            .await?;
        if let Some(go) = go
            && recipients.iter().any(|r| r.accepted)
        {
            self.expect(Phase::Data, &go, &[354])?;
        }
        Ok(PreparedDelivery {
            connection: self,
            content,
            recipients,
        })
    }

    /// [`Self::prepare`] and [`PreparedDelivery::data`] in one, for callers that keep no journal.
    ///
    /// # Errors
    /// As of both.
    pub async fn send(
        &mut self,
        envelope: &Envelope,
        raw: &[u8],
    ) -> Result<Delivery, TransportError> {
        self.prepare(envelope, raw).await?.data().await
    }

    /// `MAIL` and an `RCPT` for each recipient, one by one or, where the server offers that, in
    /// groups, of which the last ends with `DATA` (RFC 2920 section 3.1). What it says to each recipient, and to
    /// `DATA`.
    async fn name_all(
        &mut self,
        mail: &str,
        recipients: &[Address],
    ) -> Result<(Vec<Recipient>, Option<Response>), TransportError> {
        let takes = |address: &Address, offered: &Capabilities| {
            offered.smtputf8 || !needs_smtputf8(address)
        };
        let limits = self.server.timeouts.clone();
        let mut commands = vec![(Phase::Mail, limits.recipient, mail.to_owned())];
        for address in recipients.iter().filter(|a| takes(a, &self.capabilities)) {
            let rcpt = Rcpt::new(address.clone(), Vec::new());
            commands.push((Phase::Rcpt, limits.recipient, rcpt.to_string()));
        }
        let mut size = 1;
        if self.capabilities.pipelining {
            size = GROUP;
            commands.push((Phase::Data, limits.data_start, Data.to_string()));
        }
        let mut replies = Vec::with_capacity(commands.len());
        for group in commands.chunks(size) {
            let lines: String = group.iter().map(|(_, _, line)| line.as_str()).collect();
            self.write(group[0].0, group[0].1, lines.as_bytes()).await?;
            for (phase, limit, _) in group {
                let response = self.receive(*phase, *limit).await?;
                self.awaits_text |= *phase == Phase::Data && code(&response) == 354;
                replies.push(response);
            }
            // After the whole group, whose other replies would else be taken for the next command's.
            if !self.in_transaction {
                self.expect(Phase::Mail, &replies[0], &[250])?;
                self.in_transaction = true;
            }
        }
        let go = replies.pop_if(|_| self.capabilities.pipelining);
        let mut replies = replies.iter().skip(1);
        let answered = recipients.iter().filter_map(|address| {
            let text = address.to_string();
            if !takes(address, &self.capabilities) {
                return Some(unnameable(text));
            }
            replies.next().map(|response| Recipient {
                address: text,
                accepted: matches!(code(response), 250 | 251),
                reply: reply(response),
            })
        });
        Ok((answered.collect(), go))
    }

    /// The parameters of `MAIL`, for the extensions that are offered and needed.
    fn mail_parameters(
        &self,
        envelope: &Envelope,
        content: &Content,
    ) -> Result<Vec<MailParameter>, TransportError> {
        let offered = &self.capabilities;
        let mut parameters = Vec::new();
        if let Some(limit) = offered.max_size.filter(|&limit| content.size > limit) {
            let size = Some(content.size);
            return Err(self.fail(Phase::Mail, Cause::TooLarge { size, limit }));
        }
        if offered.size
            && let Ok(size) = usize::try_from(content.size)
        {
            parameters.push(MailParameter::Size(size));
        }
        if content.eight_bit {
            if !offered.eight_bit_mime {
                return Err(self.fail(Phase::Mail, Cause::EightBitNotOffered));
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let sender_needs = envelope.sender().is_some_and(needs_smtputf8);
        if sender_needs && !offered.smtputf8 {
            return Err(self.fail(Phase::Mail, Cause::SmtpUtf8NotOffered));
        }
        let someone_needs = envelope.recipients().iter().any(needs_smtputf8);
        if offered.smtputf8 && (sender_needs || someone_needs || content.utf8_header) {
            parameters.push(MailParameter::SmtpUtfEight);
        }
        Ok(parameters)
    }
}

impl PreparedDelivery<'_> {
    /// Every recipient with its answer.
    pub fn recipients(&self) -> &[Recipient] {
        &self.recipients
    }

    /// Whether at least one recipient was accepted.
    pub fn is_deliverable(&self) -> bool {
        self.recipients.iter().any(|r| r.accepted)
    }

    /// Sends the message and waits for the verdict. If no recipient was accepted, nothing is sent
    /// and the delivery says so.
    ///
    /// # Errors
    /// In the phase Data nothing was handed over. In the phase Body the final dot has left: a
    /// refusal is a verdict, anything else leaves the fate of the mail unknown
    /// ([`Severity::Ambiguous`](crate::Severity::Ambiguous)).
    pub async fn data(self) -> Result<Delivery, TransportError> {
        let is_deliverable = self.is_deliverable();
        let connection = self.connection;
        if !is_deliverable {
            connection.give_up().await?;
            return Ok(Delivery {
                recipients: self.recipients,
                reply: None,
            });
        }
        let limits = connection.server.timeouts.clone();
        if !connection.awaits_text {
            let response = connection
                .command(Phase::Data, limits.data_start, &Data.to_string())
                .await?;
            connection.expect(Phase::Data, &response, &[354])?;
        }
        connection.awaits_text = false;
        for block in self.content.bytes.chunks(BLOCK) {
            connection
                .write(Phase::Data, limits.data_block, block)
                .await?;
        }
        // The final dot is the end of the last block. A block that could not be written did not leave as a whole, so
        // that a line that breaks before this point cannot have delivered anything, and need not be called
        // ambiguous.
        let response = connection.receive(Phase::Body, limits.data_end).await?;
        connection.in_transaction = false;
        connection.expect(Phase::Body, &response, &[250])?;
        Ok(Delivery {
            recipients: self.recipients,
            reply: Some(reply(&response)),
        })
    }
}

/// What a server without `SMTPUTF8` would have to answer to an address that needs it (RFC 6531
/// section 3.5).
fn unnameable(address: String) -> Recipient {
    let words = "the server does not offer SMTPUTF8, which this address needs";
    Recipient {
        address,
        accepted: false,
        reply: Reply::smtp(553, Some("5.6.7"), words),
    }
}
