//! What a server offers in its reply to `EHLO`.

use lettre::transport::smtp::response::Response;

/// The extensions that matter here (RFC 5321 section 4.1.1.1).
///
/// Lettre's `ServerInfo` knows neither `SIZE` nor `CRAM-MD5` and takes keywords in upper case
/// only, so the lines are read here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// `STARTTLS` (RFC 3207).
    pub starttls: bool,
    /// `8BITMIME` (RFC 6152).
    pub eight_bit_mime: bool,
    /// `SMTPUTF8` (RFC 6531).
    pub smtputf8: bool,
    /// `PIPELINING` (RFC 2920).
    pub pipelining: bool,
    /// `SIZE` is offered (RFC 1870).
    pub size: bool,
    /// The limit named by `SIZE`, in bytes; none if it names none or 0.
    pub max_size: Option<u64>,
    /// The mechanisms of `AUTH` (RFC 4954), in upper case and in the server's order.
    pub auth: Vec<String>,
}

impl Capabilities {
    /// Reads a reply to `EHLO`. Its first line is the server's name, not a keyword.
    pub(super) fn from_reply(reply: &Response) -> Self {
        let mut offered = Capabilities::default();
        for line in reply.message().skip(1) {
            offered.read_line(&line.to_ascii_uppercase());
        }
        offered
    }

    fn read_line(&mut self, line: &str) {
        // "AUTH=LOGIN" is how servers spoke before the standard; some still say both.
        let line = line.replacen("AUTH=", "AUTH ", 1);
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("STARTTLS") => self.starttls = true,
            Some("8BITMIME") => self.eight_bit_mime = true,
            Some("SMTPUTF8") => self.smtputf8 = true,
            Some("PIPELINING") => self.pipelining = true,
            Some("SIZE") => {
                self.size = true;
                self.max_size = words
                    .next()
                    .and_then(|limit| limit.parse().ok())
                    .filter(|&limit| limit > 0);
            }
            Some("AUTH") => {
                for mechanism in words {
                    if !self.offers(mechanism) {
                        self.auth.push(mechanism.to_owned());
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether an `AUTH` mechanism is offered.
    pub fn offers(&self, mechanism: &str) -> bool {
        self.auth
            .iter()
            .any(|offered| offered.eq_ignore_ascii_case(mechanism))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reply: &str) -> Capabilities {
        Capabilities::from_reply(&reply.parse().expect("a reply"))
    }

    #[test]
    fn the_offers_of_microsoft_365_are_understood() {
        let offered = read(
            "250-FR0P281CA0001.outlook.office365.com Hello [192.0.2.1]\r\n250-SIZE 157286400\r\n\
             250-PIPELINING\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n250-AUTH LOGIN XOAUTH2\r\n\
             250-8BITMIME\r\n250-BINARYMIME\r\n250-CHUNKING\r\n250 SMTPUTF8\r\n",
        );
        assert_eq!(offered.max_size, Some(157_286_400));
        assert_eq!(offered.auth, ["LOGIN", "XOAUTH2"]);
        assert!(offered.smtputf8 && offered.eight_bit_mime && !offered.starttls);
        assert!(offered.pipelining);
    }

    #[test]
    fn lower_case_and_the_old_form_of_auth_count() {
        let offered =
            read("250-x\r\n250-starttls\r\n250-AUTH=login plain\r\n250 auth LOGIN CRAM-MD5\r\n");
        assert!(offered.starttls);
        assert_eq!(offered.auth, ["LOGIN", "PLAIN", "CRAM-MD5"]);
    }

    #[test]
    fn a_size_of_zero_or_none_is_no_limit() {
        for reply in ["250-x\r\n250 SIZE 0\r\n", "250-x\r\n250 SIZE\r\n"] {
            let offered = read(reply);
            assert!(offered.size);
            assert_eq!(offered.max_size, None);
        }
    }

    #[test]
    fn a_server_named_like_a_keyword_offers_nothing() {
        assert_eq!(read("250 STARTTLS\r\n"), Capabilities::default());
    }
}
