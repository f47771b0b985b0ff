//! How a client authenticates at a token endpoint.

use std::time::SystemTime;

use base64ct::{Base64, Encoding};
use http::header::AUTHORIZATION;
use mcp_http::Secret;
use serde_json::{Map, json};

use super::error::OAuthError;
use super::machine::Outgoing;
use super::pkce;
use super::record::seconds;
use super::settings::PrivateKey;
use crate::jose::{KeyError, SigningKey};

/// A client at one issuer, as the token endpoint knows it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: Option<Secret>,
    /// The method that its registration names.
    pub(crate) registered_method: Option<String>,
    pub(crate) key: Option<PrivateKey>,
}

/// A method of client authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    None,
    Basic,
    Post,
    PrivateKeyJwt,
}

impl Method {
    pub(crate) fn named(name: &str) -> Option<Method> {
        Some(match name {
            "none" => Method::None,
            "client_secret_basic" => Method::Basic,
            "client_secret_post" => Method::Post,
            "private_key_jwt" => Method::PrivateKeyJwt,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Method::None => "none",
            Method::Basic => "client_secret_basic",
            Method::Post => "client_secret_post",
            Method::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// Whether the client has what the method needs.
    pub(crate) fn is_possible(self, client: &Client) -> bool {
        match self {
            Method::None => true,
            Method::Basic | Method::Post => client.secret.is_some(),
            Method::PrivateKeyJwt => client.key.is_some(),
        }
    }
}

/// The method for this client at a server that lists these methods.
///
/// # Errors
///
/// None of the listed methods is possible.
// AU-C-26.
pub(crate) fn choose(client: &Client, listed: Option<&[String]>) -> Result<Method, OAuthError> {
    let is_listed = |method: Method| listed.is_some_and(|list| list.iter().any(|it| it == method.name()));
    let not_excluded = |method: Method| listed.is_none() || is_listed(method);
    let registered = client.registered_method.as_deref().and_then(Method::named);
    if let Some(method) = registered.filter(|method| method.is_possible(client) && not_excluded(*method)) {
        return Ok(method);
    }
    if client.key.is_some() && (is_listed(Method::PrivateKeyJwt) || client.secret.is_none()) {
        return Ok(Method::PrivateKeyJwt);
    }
    if client.secret.is_some() {
        for method in [Method::Basic, Method::Post] {
            if not_excluded(method) {
                return Ok(method);
            }
        }
    }
    // Servers that list secret methods only still know public clients by their registration.
    if is_listed(Method::None) || client.secret.is_none() {
        return Ok(Method::None);
    }
    let listed = listed.unwrap_or_default().join(", ");
    let why =
        format!("the authorization server lists {}, which is not possible", crate::urls::clipped(&listed));
    Err(OAuthError::setting("client authentication", why))
}

/// The claims of an assertion need to know for whom and when.
pub(crate) struct Assertion<'a> {
    pub(crate) audience: &'a str,
    pub(crate) now: SystemTime,
}

/// Adds the client to a request.
// AU-C-27.
pub(crate) fn apply(
    method: Method,
    client: &Client,
    assertion: &Assertion<'_>,
    request: &mut Outgoing,
) -> Result<(), OAuthError> {
    match (method, &client.secret, &client.key) {
        (Method::Basic, Some(secret), _) => {
            let pair = Secret::from(format!("{}:{}", encoded(&client.id), encoded(secret.expose())));
            let value = Secret::from(format!("Basic {}", Base64::encode_string(pair.expose().as_bytes())));
            request.header(AUTHORIZATION, value);
        }
        (Method::Post, Some(secret), _) => {
            request.field("client_id", &client.id);
            request.field("client_secret", secret.expose());
        }
        (Method::PrivateKeyJwt, _, Some(key)) => {
            let token = assert(&client.id, key, assertion)?;
            request.field("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
            request.field("client_assertion", token.expose());
        }
        _ => request.field("client_id", &client.id),
    }
    Ok(())
}

/// An assertion of `private_key_jwt`, valid for 60 seconds.
// AU-X-02.
fn assert(id: &str, key: &PrivateKey, assertion: &Assertion<'_>) -> Result<Secret, OAuthError> {
    let unusable = |error: KeyError| OAuthError::setting("private key", error.to_string());
    let signing = SigningKey::from_pem(key.pem.expose(), key.algorithm).map_err(unusable)?;
    let now = seconds(assertion.now);
    let claims = json!({
        "iss": id, "sub": id, "aud": assertion.audience,
        "jti": pkce::random()?.expose(), "iat": now, "exp": now + 60,
    });
    let mut header = Map::new();
    header.insert("typ".to_owned(), "JWT".into());
    if let Some(kid) = &key.kid {
        header.insert("kid".to_owned(), kid.as_str().into());
    }
    signing.sign(header, &claims).map(Secret::from).map_err(unusable)
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::jose::Algorithm;

    fn client(secret: bool, key: bool, registered: Option<&str>) -> Client {
        let pem = Secret::from("pem");
        Client {
            id: "the id".to_owned(),
            secret: secret.then(|| Secret::from("a:b/\u{e9}")),
            registered_method: registered.map(str::to_owned),
            key: key.then_some(PrivateKey { pem, algorithm: Algorithm::Es256, kid: None }),
        }
    }

    // AU-C-26.
    #[test]
    fn the_method_that_fits() {
        use Method::{Basic, None as Public, Post, PrivateKeyJwt};
        let (basic, post, none, jwt) =
            ("client_secret_basic", "client_secret_post", "none", "private_key_jwt");
        type Row = ((bool, bool, Option<&'static str>), Option<Vec<&'static str>>, Option<Method>);
        let rows: Vec<Row> = vec![
            ((true, false, None), None, Some(Basic)),
            ((true, false, None), Some(vec![basic, post]), Some(Basic)),
            ((true, false, None), Some(vec![post]), Some(Post)),
            ((true, false, None), Some(vec![none]), Some(Public)),
            ((true, false, Some(post)), None, Some(Post)),
            ((true, false, Some(post)), Some(vec![basic, post]), Some(Post)),
            ((true, false, Some(post)), Some(vec![basic]), Some(Basic)),
            ((true, false, Some(none)), Some(vec![basic, none]), Some(Public)),
            ((true, false, Some(jwt)), Some(vec![jwt, basic]), Some(Basic)),
            ((true, false, Some("tls_client_auth")), Some(vec![post]), Some(Post)),
            ((true, false, None), Some(vec![jwt]), None),
            ((false, false, None), None, Some(Public)),
            ((false, false, None), Some(vec![basic]), Some(Public)),
            ((false, false, Some(basic)), Some(vec![basic, none]), Some(Public)),
            ((false, true, None), None, Some(PrivateKeyJwt)),
            ((false, true, None), Some(vec![jwt]), Some(PrivateKeyJwt)),
            ((true, true, None), Some(vec![jwt, basic]), Some(PrivateKeyJwt)),
            ((true, true, None), Some(vec![basic]), Some(Basic)),
        ];
        for ((secret, key, registered), listed, expected) in rows {
            let listed = listed.map(|list| list.into_iter().map(str::to_owned).collect::<Vec<_>>());
            let chosen = choose(&client(secret, key, registered), listed.as_deref());
            assert_eq!(chosen.ok(), expected, "{secret} {key} {registered:?} {listed:?}");
        }
    }

    // AU-C-27.
    #[test]
    fn how_the_client_is_sent() {
        let assertion = Assertion { audience: "https://as.example", now: SystemTime::UNIX_EPOCH };
        let sent = |method| {
            let mut request = Outgoing::form(crate::urls::WebUrl::parse("https://as.example/token").unwrap());
            apply(method, &client(true, false, None), &assertion, &mut request).unwrap();
            let headers: HeaderMap = request.header_map().unwrap();
            let basic = headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
            (basic, request.body_text().unwrap_or_default().to_owned())
        };
        // `the+id:a%3Ab%2F%C3%A9`, each part form-encoded first.
        assert_eq!(
            sent(Method::Basic),
            (Some("Basic dGhlK2lkOmElM0FiJTJGJUMzJUE5".to_owned()), String::new())
        );
        assert_eq!(sent(Method::Post), (None, "client_id=the+id&client_secret=a%3Ab%2F%C3%A9".to_owned()));
        assert_eq!(sent(Method::None), (None, "client_id=the+id".to_owned()));
    }

    #[test]
    fn a_key_that_cannot_be_used_is_a_setting() {
        let assertion = Assertion { audience: "x", now: SystemTime::UNIX_EPOCH };
        let mut request = Outgoing::form(crate::urls::WebUrl::parse("https://as.example/token").unwrap());
        let error = apply(Method::PrivateKeyJwt, &client(false, true, None), &assertion, &mut request);
        assert_eq!(error.unwrap_err().to_string(), "private key: the private key is not PEM");
    }
}
