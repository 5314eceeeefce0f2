//! Scopes: which resource each belongs to, and the rule of one resource in a token request.

use super::problem::Problem;

/// The scopes of OpenID Connect, which belong to no resource.
const OPENID: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// The resources that the double knows, with their delegated permissions. Exchange Online answers to two hosts.
const RESOURCES: [(&str, &[&str]); 3] = [
    ("https://outlook.office.com/", OUTLOOK),
    ("https://outlook.office365.com/", OUTLOOK),
    (
        "https://graph.microsoft.com/",
        &[
            "User.Read",
            "Mail.Send",
            "Mail.Read",
            "Mail.ReadWrite",
            "Mail.Send.Shared",
        ],
    ),
];
const OUTLOOK: &[&str] = &[
    "SMTP.Send",
    "IMAP.AccessAsUser.All",
    "POP.AccessAsUser.All",
    "User.Read",
    "Mail.Send",
];
const GRAPH: usize = 2;

/// One scope, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// As it was written in the request.
    pub name: String,
    /// The URL of the resource that it belongs to; none for the scopes of OpenID Connect.
    pub resource: Option<&'static str>,
}

impl Scope {
    /// The permission without its resource, as tokens name it.
    pub fn permission(&self) -> String {
        let resource = self.resource.unwrap_or_default();
        self.name
            .get(resource.len()..)
            .unwrap_or_default()
            .to_owned()
    }
}

/// Reads a space-separated list; each scope must be known. Names compare without regard to case, as at Microsoft.
///
/// # Errors
/// AADSTS650053 for a permission that the resource does not have, AADSTS70011 for anything else that is no scope.
pub fn parse(list: &str) -> Result<Vec<Scope>, Problem> {
    list.split_whitespace().map(parse_one).collect()
}

fn parse_one(name: &str) -> Result<Scope, Problem> {
    let owned = name.to_owned();
    if OPENID.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return Ok(Scope {
            name: owned,
            resource: None,
        });
    }
    for (resource, permissions) in RESOURCES {
        let Some(start) = name.get(..resource.len()) else {
            continue;
        };
        if start.eq_ignore_ascii_case(resource) {
            let permission = &name[resource.len()..];
            if permission == ".default"
                || permissions
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(permission))
            {
                return Ok(Scope {
                    name: owned,
                    resource: Some(resource),
                });
            }
            return Err(Problem::aadsts(650053).about(name));
        }
    }
    // A bare permission is one of Microsoft Graph.
    let (graph, permissions) = RESOURCES[GRAPH];
    if permissions
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
    {
        return Ok(Scope {
            name: owned,
            resource: Some(graph),
        });
    }
    Err(Problem::aadsts(70011).about(name))
}

/// Whether the list asks for a refresh token.
pub fn wants_offline_access(scopes: &[Scope]) -> bool {
    scopes
        .iter()
        .any(|scope| scope.name.eq_ignore_ascii_case("offline_access"))
}

/// Whether `scope` is among those `granted`.
pub fn contains(granted: &[Scope], scope: &Scope) -> bool {
    granted
        .iter()
        .any(|one| one.name.eq_ignore_ascii_case(&scope.name))
}

/// What an access token may hold: the scopes of the one resource that the request names or, when it names none, of the
/// first resource that was consented to.
///
/// Microsoft puts all consented permissions of the resource into the token. The double gives exactly those asked for,
/// so that a token for IMAP used at SMTP is noticed.
///
/// # Errors
/// AADSTS28000 for scopes of several resources, AADSTS65001 for one not consented to, AADSTS28003 when no resource is
/// named at all, AADSTS70011 or 650053 for unknown ones.
pub fn for_token(
    requested: Option<&str>,
    granted: &[Scope],
) -> Result<(Vec<Scope>, &'static str), Problem> {
    let requested = parse(requested.unwrap_or_default())?;
    let first = requested
        .iter()
        .chain(granted)
        .find_map(|scope| scope.resource);
    let Some(resource) = first else {
        return Err(Problem::aadsts(28003));
    };
    if requested
        .iter()
        .any(|scope| scope.resource.is_some_and(|other| other != resource))
    {
        return Err(Problem::aadsts(28000).about(join(&requested)));
    }
    // The scopes of OpenID Connect are never refused here; without consent to offline_access no refresh token comes.
    if let Some(missing) = requested
        .iter()
        .find(|scope| scope.resource.is_some() && !contains(granted, scope))
    {
        return Err(Problem::aadsts(65001).about(&missing.name));
    }
    let named = requested.iter().any(|scope| scope.resource.is_some());
    let source = if named { requested.as_slice() } else { granted };
    Ok((
        source
            .iter()
            .filter(|scope| scope.resource == Some(resource))
            .cloned()
            .collect(),
        resource,
    ))
}

/// The list as it goes over the wire.
pub fn join(scopes: &[Scope]) -> String {
    scopes
        .iter()
        .map(|scope| scope.name.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}
