//! The answer of the authorization endpoint: what is read of it, and in which order.

use mcp_http::Secret;
use subtle::ConstantTimeEq;

use super::error::{FlowStep, OAuthError};

/// What one authorization request expects back. Each request has its own.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) state: Secret,
    /// The `issuer` of the authorization server metadata. `None` without metadata.
    pub(crate) issuer: Option<String>,
    /// The server says that it sends `iss`.
    pub(crate) iss_advertised: bool,
}

/// The parameters of a redirect, form-decoded. Of repeated ones the first counts.
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query, or a whole redirect URL.
    pub(crate) fn parse(text: &str) -> Parameters {
        let text = text.trim();
        let query = text.split_once('?').map_or(text, |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        Parameters(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

impl Expected {
    /// Whether the answer belongs to this request. In constant time for states of one length.
    pub(crate) fn is_mine(&self, answer: &Parameters) -> bool {
        let state = answer.get("state").unwrap_or_default().as_bytes();
        state.ct_eq(self.state.expose().as_bytes()).into()
    }

    /// The code. The state is checked first, then the issuer, then errors; nothing else is read before.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Protocol`], and [`OAuthError::Refused`] with the error of the server.
    // AU-C-30. RFC 9207, section 2.4.
    pub(crate) fn code(&self, answer: &Parameters) -> Result<Secret, OAuthError> {
        let wrong = |why: &str| OAuthError::protocol(FlowStep::Authorization, why);
        if !self.is_mine(answer) {
            return Err(wrong("the answer belongs to another login (`state` differs)"));
        }
        self.check_issuer(answer.get("iss")).map_err(wrong)?;
        if let Some(error) = answer.get("error") {
            return Err(OAuthError::refused(FlowStep::Authorization, error, answer.get("error_description")));
        }
        let code = answer.get("code").filter(|code| !code.is_empty());
        code.map(Secret::from).ok_or_else(|| wrong("the answer has neither a code nor an error"))
    }

    // AU-C-31: compared as text, without any normalization.
    fn check_issuer(&self, iss: Option<&str>) -> Result<(), &'static str> {
        match (iss, &self.issuer) {
            (Some(iss), Some(issuer)) if iss == issuer => Ok(()),
            (Some(_), Some(_)) => Err("the answer names another issuer (`iss` differs)"),
            (None, _) if self.iss_advertised => {
                Err("the answer names no issuer, although the server announces `iss`")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(advertised: bool) -> Expected {
        let issuer = Some("https://as.example".to_owned());
        Expected { state: Secret::from("s3cret"), issuer, iss_advertised: advertised }
    }

    fn outcome(expected: &Expected, text: &str) -> String {
        match expected.code(&Parameters::parse(text)) {
            Ok(code) => format!("code {}", code.expose()),
            Err(error) => error.to_string(),
        }
    }

    // AU-C-31: the table of RFC 9207.
    #[test]
    fn issuers_of_answers() {
        for (advertised, iss, accepted) in [
            (true, "&iss=https%3A%2F%2Fas.example", true),
            (true, "&iss=https://as.example", true),
            (true, "", false),
            (true, "&iss=", false),
            (false, "&iss=https%3A%2F%2Fas.example", true),
            (false, "", true),
            (true, "&iss=https%3A%2F%2Fas.example%2F", false),
            (true, "&iss=https%3A%2F%2FAS.example", false),
            (true, "&iss=https%3A%2F%2Fas.example%3A443", false),
            (true, "&iss=https%3A%2F%2Fevil.example", false),
            (false, "&iss=https%3A%2F%2Fevil.example", false),
            (true, "&iss=https%253A%252F%252Fas.example", false),
        ] {
            let said = outcome(&expected(advertised), &format!("code=c&state=s3cret{iss}"));
            assert_eq!(said == "code c", accepted, "{advertised} {iss}: {said}");
        }
    }

    // AU-C-30: a wrong state or issuer hides what else the answer says.
    #[test]
    fn the_order_of_the_checks() {
        let expected = expected(true);
        let iss = "iss=https%3A%2F%2Fas.example";
        let evil = "iss=https%3A%2F%2Fevil.example&error=evil&error_description=evil";
        for (text, said) in [
            (format!("{iss}&state=other&error=evil"), "another login"),
            (format!("{iss}&error=evil"), "another login"),
            (format!("{evil}&state=s3cret"), "another issuer"),
            (format!("{iss}&state=s3cret&error=access_denied&code=c"), "access_denied"),
            (format!("{iss}&state=s3cret"), "neither a code nor an error"),
            (format!("{iss}&state=s3cret&code="), "neither a code nor an error"),
            (format!("http://localhost:1/cb?{iss}&state=s3cret&code=c#x"), "code c"),
        ] {
            let outcome = outcome(&expected, &text);
            assert!(outcome.contains(said) && !outcome.contains("evil"), "{text}: {outcome}");
        }
    }
}
