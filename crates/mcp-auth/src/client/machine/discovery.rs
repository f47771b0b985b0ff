//! Which authorization server speaks for a resource, and where its endpoints are.

use std::time::{Duration, SystemTime};

use super::super::error::{FlowStep, OAuthError};
use super::super::record::Key;
use super::super::settings::ResourceParameter;
use super::super::token::is_retryable;
use super::login::Plan;
use super::{Answer, Io, Outgoing};
use crate::metadata::{ResourceMetadata, ServerMetadata, same_issuer};
use crate::urls::{self, WebUrl, clipped};

/// The redirects of one metadata request.
const MOST_REDIRECTS: usize = 3;
/// The limit on all of discovery.
const LONGEST: Duration = Duration::from_secs(30);

/// The protected resource.
#[derive(Debug)]
pub(super) struct Resource {
    /// What is sent as `resource`.
    pub(super) parameter: Option<String>,
    pub(super) scopes: Option<Vec<String>>,
    issuers: Vec<String>,
    /// A server of 2025-03-26, which publishes no metadata of the resource.
    pub(super) legacy: bool,
}

/// The authorization server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) metadata: ServerMetadata,
    /// The server publishes no metadata: the endpoints are the defaults of 2025-03-26.
    pub(super) assumed: bool,
    pub(super) legacy: bool,
}

/// What a metadata URL gave.
enum Found {
    Document(Answer),
    /// Nothing is there. With the status.
    Nothing(u16),
}

/// Finds out who speaks for the endpoint.
pub(super) async fn resource(io: &Io, plan: &Plan) -> Result<Resource, OAuthError> {
    let step = FlowStep::ResourceMetadata;
    let started = io.now();
    let mut only_missing = true;
    if let Some(named) = &plan.demand.resource_metadata {
        // AU-C-04: exactly this URL, and what is there has to be right.
        let url = WebUrl::parse(named).map_err(|why| bad_url(step, named, why))?;
        match get(io, plan, step, url.clone(), started).await? {
            Found::Document(answer) => {
                let document = ResourceMetadata::parse(&answer.body);
                let why = || format!("{} is not protected-resource metadata", url.shown());
                let document = document.ok_or_else(|| OAuthError::protocol(step, why()))?;
                return accept(plan, document);
            }
            Found::Nothing(status) => {
                tracing::warn!(url = url.shown(), status, "the announced resource metadata is missing");
                only_missing = false;
            }
        }
    }
    for text in urls::protected_resource(&plan.endpoint) {
        let url = WebUrl::parse(&text).map_err(|why| bad_url(step, &text, why))?;
        match get(io, plan, step, url, started).await? {
            // AU-C-06: another document at a guessed URL rules the URL out.
            Found::Document(answer) => match ResourceMetadata::parse(&answer.body) {
                Some(document) => return accept(plan, document),
                None => only_missing = false,
            },
            Found::Nothing(status) => only_missing &= status == 404,
        }
    }
    // AU-C-16.
    if only_missing && plan.settings.legacy_fallback {
        return Ok(Resource {
            parameter: parameter(plan, None),
            scopes: None,
            issuers: vec![plan.endpoint.origin().to_owned()],
            legacy: true,
        });
    }
    let why = format!("{} publishes none, so its authorization server is unknown", plan.endpoint.shown());
    Err(OAuthError::protocol(step, why))
}

fn accept(plan: &Plan, document: ResourceMetadata) -> Result<Resource, OAuthError> {
    let wrong = |why: String| OAuthError::protocol(FlowStep::ResourceMetadata, why);
    let resource = document.resource.ok_or_else(|| wrong("no `resource`".to_owned()))?;
    // AU-C-07.
    urls::resource_covers(&resource, &plan.endpoint).map_err(|why| {
        wrong(format!(
            "the resource {:?} does not cover {}: {why}",
            clipped(&resource),
            plan.endpoint.shown()
        ))
    })?;
    let issuers = document.authorization_servers.unwrap_or_default();
    if issuers.is_empty() {
        return Err(wrong("no `authorization_servers`".to_owned()));
    }
    let parameter = parameter(plan, Some(resource));
    Ok(Resource { parameter, scopes: document.scopes_supported, issuers, legacy: false })
}

// AU-C-08: the published text, byte for byte.
fn parameter(plan: &Plan, published: Option<String>) -> Option<String> {
    match &plan.settings.resource {
        ResourceParameter::Omitted => None,
        ResourceParameter::Fixed(text) => Some(text.clone()),
        ResourceParameter::Published => {
            let endpoint = || format!("{}{}", plan.endpoint.origin(), plan.endpoint.path());
            Some(published.unwrap_or_else(endpoint))
        }
    }
}

/// The authorization server to use.
// AU-C-10: the first for which a client is known, else the first that can be used.
pub(super) async fn server(io: &Io, plan: &Plan, resource: &Resource) -> Result<Server, OAuthError> {
    let started = io.now();
    let mut issuers: Vec<&String> = resource.issuers.iter().collect();
    if issuers.len() > 1 {
        let mut order = Vec::new();
        for issuer in issuers {
            order.push((!is_known(io, plan, issuer).await?, issuer));
        }
        order.sort_by_key(|(unknown, _)| *unknown);
        issuers = order.into_iter().map(|(_, issuer)| issuer).collect();
    }
    let mut first_error = None;
    for issuer in issuers {
        match metadata(io, plan, issuer, resource.legacy, started).await {
            Ok(server) => return Ok(server),
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
    }
    let nothing = || OAuthError::protocol(FlowStep::ServerMetadata, "no authorization server is named");
    Err(first_error.unwrap_or_else(nothing))
}

async fn is_known(io: &Io, plan: &Plan, issuer: &str) -> Result<bool, OAuthError> {
    if let Some(given) = &plan.settings.registration.given {
        return Ok(given.issuer.as_ref().is_some_and(|own| same_issuer(own, issuer)));
    }
    let is_record = plan.known.as_ref().is_some_and(|record| same_issuer(&record.issuer, issuer));
    Ok(is_record || io.load(Key::Client { issuer: issuer.to_owned() }).await?.is_some())
}

/// The metadata of an issuer.
// AU-C-11, AU-C-12.
pub(super) async fn metadata(
    io: &Io,
    plan: &Plan,
    issuer: &str,
    legacy: bool,
    started: SystemTime,
) -> Result<Server, OAuthError> {
    let step = FlowStep::ServerMetadata;
    let base = WebUrl::parse(issuer).map_err(|why| bad_url(step, issuer, why))?;
    let mut unreadable = None;
    for text in urls::authorization_server(&base) {
        let url = WebUrl::parse(&text).map_err(|why| bad_url(step, &text, why))?;
        let Found::Document(answer) = get(io, plan, step, url.clone(), started).await? else { continue };
        match ServerMetadata::parse(&answer.body) {
            Ok(metadata) if same_issuer(&metadata.issuer, issuer) => {
                return Ok(Server { metadata, assumed: false, legacy });
            }
            Ok(metadata) => {
                let named = clipped(&metadata.issuer);
                let why = format!("{} is for the issuer {named:?}, not {:?}", url.shown(), clipped(issuer));
                return Err(OAuthError::protocol(step, why));
            }
            Err(why) => unreadable = Some(format!("{} cannot be read: {why}", url.shown())),
        }
    }
    if legacy && unreadable.is_none() {
        let at = |path: &str| Some(format!("{}{path}", base.origin()));
        let metadata = ServerMetadata {
            issuer: issuer.to_owned(),
            authorization_endpoint: at("/authorize"),
            token_endpoint: at("/token"),
            registration_endpoint: at("/register"),
            ..ServerMetadata::default()
        };
        return Ok(Server { metadata, assumed: true, legacy });
    }
    let nothing = || format!("the issuer {:?} publishes none", clipped(issuer));
    Err(OAuthError::protocol(step, unreadable.unwrap_or_else(nothing)))
}

/// One metadata document.
// AU-C-73.
async fn get(
    io: &Io,
    plan: &Plan,
    step: FlowStep,
    mut url: WebUrl,
    started: SystemTime,
) -> Result<Found, OAuthError> {
    for _ in 0..=MOST_REDIRECTS {
        urls::may_ask(&url, &plan.endpoint).map_err(|why| bad_url(step, url.as_str(), why))?;
        if io.now().duration_since(started).is_ok_and(|spent| spent > LONGEST) {
            let why = format!("discovery took longer than {} s", LONGEST.as_secs());
            return Err(OAuthError::unavailable(step, why));
        }
        let answer = io.send(step, Outgoing::metadata(url.clone())).await?;
        if is_retryable(answer.status) {
            let why = format!("{} answers with HTTP status {}", url.shown(), answer.status);
            return Err(OAuthError::unavailable(step, why));
        }
        let location = answer.headers.get(http::header::LOCATION).and_then(|value| value.to_str().ok());
        match location {
            Some(location) if matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308) => {
                url = urls::redirected(&url, location).map_err(|why| bad_url(step, url.as_str(), why))?;
            }
            _ if answer.status.is_success() => return Ok(Found::Document(answer)),
            _ => return Ok(Found::Nothing(answer.status.as_u16())),
        }
    }
    Err(OAuthError::protocol(step, format!("more than {MOST_REDIRECTS} redirects")))
}

/// An endpoint that a document names, for a step.
// AU-C-13.
pub(super) fn endpoint(
    plan_endpoint: &WebUrl,
    step: FlowStep,
    named: Option<&String>,
    member: &str,
) -> Result<WebUrl, OAuthError> {
    let missing = || OAuthError::protocol(step, format!("the authorization server names no `{member}`"));
    let text = named.ok_or_else(missing)?;
    let url = WebUrl::parse(text).map_err(|why| bad_url(step, text, why))?;
    urls::may_ask(&url, plan_endpoint).map_err(|why| bad_url(step, text, why))?;
    Ok(url)
}

fn bad_url(step: FlowStep, url: &str, why: &str) -> OAuthError {
    // Neither a query nor user info: both may be secrets.
    let shown = url.split(['?', '#']).next().unwrap_or_default();
    let shown = clipped(shown.rsplit('@').next().unwrap_or_default());
    OAuthError::protocol(step, format!("{shown:?} is not used: {why}"))
}
