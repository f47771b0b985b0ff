//! One flow at a time for each endpoint, in a separate task: callers join it, and may leave.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::oauth::{Inner, store};
use super::resource::{Resource, Source};
use crate::client::error::{FlowStep, OAuthError};
use crate::client::machine::{Demand, Machine, Plan, Purpose, RefreshPlan, login, refresh};
use crate::client::person::Person;
use crate::client::record::{Stored, TokenRecord};
use crate::lock::Lock;

/// What a flow is to do.
#[derive(Clone)]
pub(super) enum Job {
    /// Replace this token by a refresh.
    Refresh { old: Arc<TokenRecord> },
    /// Get a token by the grant. Unless it is `forced`, another process's token will do.
    Login { demand: Demand, purpose: Purpose, person: Option<Arc<dyn Person>>, forced: bool },
}

type Outcome = Result<Arc<TokenRecord>, OAuthError>;

/// The flow that is running, if there is one.
#[derive(Default)]
pub(super) struct Flight(Lock<Option<watch::Receiver<Option<Outcome>>>>);

impl Resource {
    /// Runs the job, or joins the flow that is running.
    // AU-C-52: the flow outlives its callers.
    pub(super) async fn fly(self: &Arc<Self>, inner: &Arc<Inner>, job: Job) -> Outcome {
        let mut receiver = self.join_or_start(inner, job);
        let landed = receiver.wait_for(Option::is_some).await;
        match landed.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            _ => Err(OAuthError::unavailable(FlowStep::Token, "the runtime is shutting down")),
        }
    }

    fn join_or_start(self: &Arc<Self>, inner: &Arc<Inner>, job: Job) -> watch::Receiver<Option<Outcome>> {
        let mut flight = self.flight.0.lock();
        // A task that ended without an outcome has dropped its sender.
        if let Some(running) = flight.as_ref().filter(|running| running.has_changed().is_ok()) {
            return running.clone();
        }
        let (sender, receiver) = watch::channel(None);
        *flight = Some(receiver.clone());
        let (resource, inner) = (self.clone(), inner.clone());
        tokio::spawn(async move {
            let outcome = resource.run(&inner, job).await;
            // First, so that a request that starts now reads the new token.
            *resource.flight.0.lock() = None;
            sender.send_replace(Some(outcome));
        });
        receiver
    }

    async fn run(&self, inner: &Arc<Inner>, job: Job) -> Outcome {
        match job {
            Job::Refresh { old } => self.refresh(inner, &old).await,
            Job::Login { demand, purpose, person, forced } => {
                self.login(inner, demand, purpose, person, forced).await
            }
        }
    }

    /// Refreshes, one process after the other.
    // AU-C-53.
    async fn refresh(&self, inner: &Arc<Inner>, old: &TokenRecord) -> Outcome {
        let _lock = inner.store.lock(&self.key()).await.map_err(store)?;
        let Some(record) = self.peek(inner).await? else {
            self.adopt(None);
            return Err(self.login_needed(Some("the stored tokens were removed")));
        };
        let now = inner.now();
        if record.access_token != old.access_token && record.is_valid(now, Duration::ZERO) {
            return Ok(self.use_now(record));
        }
        if record.refresh_token.is_none() {
            self.adopt(Some(Arc::new(record)));
            return Err(self.login_needed(Some("no refresh token is stored")));
        }
        let plan = RefreshPlan {
            endpoint: self.endpoint.clone(),
            settings: inner.settings.clone(),
            record: record.clone(),
            nonces: inner.nonces.clone(),
        };
        match inner.drive(Machine::new(|io| refresh(io, plan)), &self.endpoint, None).await {
            Ok(new) => {
                self.keep(inner, &new).await;
                let new = Arc::new(new);
                self.adopt_from(new.clone(), Source::Refresh);
                Ok(new)
            }
            Err(error) if matches!(error.code(), Some("invalid_grant" | "invalid_client")) => {
                self.give_up(inner, record, &error).await
            }
            Err(error) => Err(error),
        }
    }

    /// The refresh token is used up, unless another process, without our lock, has replaced it.
    // AU-C-54.
    async fn give_up(&self, inner: &Inner, sent: TokenRecord, error: &OAuthError) -> Outcome {
        let replaced = |stored: &TokenRecord| stored.refresh_token != sent.refresh_token;
        if let Some(stored) = self.peek(inner).await?.filter(replaced) {
            return Ok(self.use_now(stored));
        }
        let cleared =
            TokenRecord { access_token: None, refresh_token: None, expires: None, dpop_key: None, ..sent };
        // The scopes that were asked for are kept for the next login.
        inner.store.save(&self.key(), &Stored::Token(cleared.clone())).await.map_err(store)?;
        self.adopt(Some(Arc::new(cleared)));
        Err(self.login_needed(Some(&error.to_string())))
    }

    async fn login(
        &self,
        inner: &Arc<Inner>,
        demand: Demand,
        purpose: Purpose,
        person: Option<Arc<dyn Person>>,
        forced: bool,
    ) -> Outcome {
        let interactive = inner.settings.grant.is_interactive();
        // A person may take minutes, for which other processes would wait. The lock is taken to save.
        let _lock = match interactive {
            true => None,
            false => Some(inner.store.lock(&self.key()).await.map_err(store)?),
        };
        let known = self.peek(inner).await?;
        if let (Some(record), false, Purpose::Login(None)) = (&known, forced, &purpose)
            && self.current(inner).await?.is_none_or(|own| own.access_token != record.access_token)
            && record.is_valid(inner.now(), Duration::ZERO)
        {
            return Ok(self.use_now(record.clone()));
        }
        if interactive && person.is_none() {
            return Err(self.login_needed(None));
        }
        let plan = Plan {
            endpoint: self.endpoint.clone(),
            profile: self.profile.clone(),
            settings: inner.settings.clone(),
            demand,
            known,
            purpose,
            nonces: inner.nonces.clone(),
        };
        let record = inner.drive(Machine::new(|io| login(io, plan)), &self.endpoint, person).await?;
        if interactive {
            let _lock = inner.store.lock(&self.key()).await.map_err(store)?;
            self.keep(inner, &record).await;
        } else {
            self.keep(inner, &record).await;
        }
        let record = Arc::new(record);
        self.adopt_from(record.clone(), Source::Login);
        Ok(record)
    }

    /// Saves before use. If that fails the call still goes on.
    // AU-C-55.
    async fn keep(&self, inner: &Inner, record: &TokenRecord) {
        if let Err(error) = inner.store.save(&self.key(), &Stored::Token(record.clone())).await {
            tracing::warn!(%error, "the new tokens are not saved; other processes and later runs cannot use them");
        }
    }

    fn use_now(&self, record: TokenRecord) -> Arc<TokenRecord> {
        let record = Arc::new(record);
        self.adopt(Some(record.clone()));
        record
    }

    pub(super) fn login_needed(&self, why: Option<&str>) -> OAuthError {
        OAuthError::LoginNeeded { resource: self.endpoint.shown(), why: why.map(str::to_owned) }
    }
}
