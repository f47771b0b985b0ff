//! A whole login: discovery, registration, and the grant.

use std::sync::Arc;
use std::time::SystemTime;

use super::super::client_auth::Client;
use super::super::dpop::{self, Nonces, ProofKey};
use super::super::error::{FlowStep, OAuthError};
use super::super::record::{TokenRecord, millis, seconds};
use super::super::scopes::{self, Scopes};
use super::super::settings::{Grant, Settings};
use super::super::token::{TokenAnswer, TokenType};
use super::discovery::{self, Resource, Server};
use super::{Io, assertion, code, device, registration, tokens};
use crate::metadata::lists;
use crate::urls::WebUrl;

/// What a server demanded: the part of a challenge that a login uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    pub(crate) resource_metadata: Option<String>,
    pub(crate) scopes: Option<Scopes>,
}

/// Why a login is made.
#[derive(Clone, Debug)]
pub(crate) enum Purpose {
    /// No usable token is stored. Holds the scopes that the application set, if any.
    Login(Option<Scopes>),
    /// The token lacks scopes. All that is to be asked for.
    StepUp(Scopes),
}

/// What a login knows before it begins.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) endpoint: WebUrl,
    pub(crate) profile: String,
    pub(crate) settings: Arc<Settings>,
    pub(crate) demand: Demand,
    pub(crate) known: Option<TokenRecord>,
    pub(crate) purpose: Purpose,
    pub(crate) nonces: Arc<Nonces>,
}

/// What the grants share.
pub(super) struct Session<'a> {
    pub(super) io: &'a Io,
    pub(super) plan: &'a Plan,
    pub(super) resource: Resource,
    pub(super) server: Server,
    pub(super) token_endpoint: WebUrl,
    pub(super) scopes: Scopes,
    pub(super) proof: Option<ProofKey>,
}

/// Logs in.
pub(crate) async fn login(io: Io, plan: Plan) -> Result<TokenRecord, OAuthError> {
    let resource = discovery::resource(&io, &plan).await?;
    let server = discovery::server(&io, &plan, &resource).await?;
    let step = FlowStep::Token;
    let named = server.metadata.token_endpoint.as_ref();
    let token_endpoint = discovery::endpoint(&plan.endpoint, step, named, "token_endpoint")?;
    let scopes = scopes(&plan, &resource, &server);
    // AU-X-05.
    let bound =
        plan.settings.dpop && lists(&server.metadata.dpop_signing_alg_values_supported, dpop::ALGORITHM);
    let proof = bound.then(ProofKey::generate).transpose()?;
    let session = Session { io: &io, plan: &plan, resource, server, token_endpoint, scopes, proof };
    let (client, answer) = match &plan.settings.grant {
        Grant::AuthorizationCode(_) => code::run(&session).await?,
        Grant::Device => device::run(&session).await?,
        Grant::ClientCredentials => {
            let client = registration::given(&session).await?;
            let mut fields = vec![("grant_type", "client_credentials")];
            let scope = session.scopes.parameter();
            session.add_common(&mut fields, scope.as_deref());
            let answer = tokens::request(&session.call(FlowStep::Token, &client)?, &fields).await?;
            (client, answer)
        }
        Grant::Enterprise(provider) => assertion::enterprise(&session, provider).await?,
        Grant::JwtBearer(source) => assertion::jwt_bearer(&session, source).await?,
    };
    session.record(client, answer, io.now())
}

/// What to ask for.
fn scopes(plan: &Plan, resource: &Resource, server: &Server) -> Scopes {
    let settings = &plan.settings;
    let asked = match &plan.purpose {
        // AU-C-42: what was asked before and what the server wants now.
        Purpose::StepUp(all) => all.clone(),
        Purpose::Login(Some(named)) => named.clone(),
        Purpose::Login(None) => {
            let first =
                scopes::first(plan.demand.scopes.as_ref(), resource.scopes.as_deref(), &settings.scopes);
            // AU-C-44: a restart does not lose what step-ups asked for.
            match &plan.known {
                Some(record) if record.issuer == server.metadata.issuer => first.and(&record.asked()),
                _ => first,
            }
        }
    };
    let wanted = settings.refresh_tokens && settings.grant.is_interactive();
    scopes::with_offline(asked, &server.metadata, wanted)
}

impl<'a> Session<'a> {
    /// `resource` and `scope`, which go with every request for a token.
    // AU-C-09.
    pub(super) fn add_common<'f>(&'f self, fields: &mut Vec<(&'f str, &'f str)>, scope: Option<&'f str>) {
        if let Some(resource) = &self.resource.parameter {
            fields.push(("resource", resource));
        }
        if let Some(scope) = scope {
            fields.push(("scope", scope));
        }
    }

    /// A call of the token endpoint by this client.
    pub(super) fn call<'s>(
        &'s self,
        step: FlowStep,
        client: &'s Client,
    ) -> Result<tokens::Call<'s>, OAuthError> {
        Ok(tokens::Call {
            io: self.io,
            nonces: &self.plan.nonces,
            step,
            endpoint: &self.token_endpoint,
            audience: tokens::audience(
                &self.plan.settings,
                &self.server.metadata.issuer,
                &self.token_endpoint,
            ),
            client,
            methods: self.server.metadata.token_endpoint_auth_methods_supported.as_deref(),
            proof: self.proof.as_ref(),
        })
    }

    fn record(
        &self,
        client: Client,
        answer: TokenAnswer,
        now: SystemTime,
    ) -> Result<TokenRecord, OAuthError> {
        if answer.token_type == TokenType::NotApplicable {
            return Err(OAuthError::protocol(FlowStep::Token, "the token is not an access token"));
        }
        let bound = answer.token_type == TokenType::Dpop;
        if bound && self.proof.is_none() {
            return Err(OAuthError::protocol(FlowStep::Token, "a DPoP token that was not asked for"));
        }
        let metadata = &self.server.metadata;
        Ok(TokenRecord {
            endpoint: self.plan.endpoint.as_str().to_owned(),
            profile: self.plan.profile.clone(),
            issuer: metadata.issuer.clone(),
            resource: self.resource.parameter.clone(),
            client_id: client.id,
            grant: self.plan.settings.grant.name().to_owned(),
            access_token: Some(answer.access_token),
            token_type: answer.token_type.scheme().to_owned(),
            refresh_token: answer.refresh_token,
            obtained: millis(now),
            expires: answer.expires_in.map(|life| millis(now + life)),
            scopes_asked: self.scopes.to_vec(),
            // AU-C-33: absent means as asked.
            scopes_granted: answer.scope.as_ref().unwrap_or(&self.scopes).to_vec(),
            token_endpoint: self.token_endpoint.as_str().to_owned(),
            revocation_endpoint: metadata.revocation_endpoint.clone(),
            auth_methods: metadata.token_endpoint_auth_methods_supported.clone(),
            metadata_read: (!self.server.assumed).then(|| seconds(now)),
            dpop_key: self.proof.as_ref().filter(|_| bound).map(|key| key.stored().clone()),
        })
    }
}
