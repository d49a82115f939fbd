//! The `[intake]` section.

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};
use tidings_stage::Problem;

/// The shortest token that can't be guessed in practice, in bytes.
pub(crate) const TOKEN_MIN: usize = 16;

/// Settings of intake.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `POST /v1/items`; off where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,
}

/// The HTTP door. One of `token` and `token_file` is needed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Where to listen; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// What `Authorization: Bearer …` must carry. Never printed.
    #[serde(skip_serializing)]
    pub token: Option<Token>,
    /// A file that holds the token, such as a mounted secret; white space around it is ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// The largest request.
    pub body_limit: ByteSize,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 8088).into(),
            token: None,
            token_file: None,
            body_limit: ByteSize::mib(16),
        }
    }
}

/// A secret: reads as text, shows as `…`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Token(pub(crate) String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Config {
    /// Everything that is wrong, with keys such as `http.token`.
    pub fn problems(&self) -> Vec<Problem> {
        let Some(http) = &self.http else { return Vec::new() };
        let mut problems = Vec::new();
        match (&http.token, &http.token_file) {
            (None, None) => {
                problems.push(Problem::new(
                    "http.token",
                    "absent",
                    "set http.token or http.token_file; the door has no other lock",
                ));
            }
            (Some(_), Some(_)) => {
                problems.push(Problem::new("http.token", "…", "set http.token or http.token_file, not both"));
            }
            (Some(Token(token)), None) if token.len() < TOKEN_MIN => {
                let mend = format!("at least {TOKEN_MIN} characters that can't be guessed");
                problems.push(Problem::new("http.token", format!("{} characters", token.len()), mend));
            }
            (None, Some(path)) => {
                let path_problem = |mend| Problem::new("http.token_file", path.display(), mend);
                match std::fs::read_to_string(path) {
                    Err(error) => problems.push(path_problem(format!("can't read it: {error}"))),
                    Ok(token) if token.trim().len() < TOKEN_MIN => {
                        problems.push(path_problem(format!("its token is shorter than {TOKEN_MIN} characters")));
                    }
                    Ok(_) => {}
                }
            }
            (Some(_), None) => {}
        }
        if http.body_limit == ByteSize::b(0) {
            problems.push(Problem::new("http.body_limit", http.body_limit, "more than nothing, such as 16MiB"));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_name_the_key() {
        for (toml, keys) in [
            ("", vec![]),
            ("[http]", vec!["http.token"]),
            ("[http]\ntoken = 'short'\nbody_limit = '0B'", vec!["http.token", "http.body_limit"]),
            ("[http]\ntoken = 'long enough to be safe'\nlisten = '127.0.0.1:0'", vec![]),
            ("[http]\ntoken = 'long enough to be safe'\ntoken_file = 'x'", vec!["http.token"]),
            ("[http]\ntoken_file = '/there/is/no/such/file'", vec!["http.token_file"]),
        ] {
            let config: Config = toml::from_str(toml).unwrap();
            let problems = config.problems();
            assert_eq!(problems.iter().map(|problem| problem.key.as_str()).collect::<Vec<_>>(), keys, "{toml}");
        }
    }

    #[test]
    fn the_token_is_never_shown() {
        let config: Config = toml::from_str("[http]\ntoken = 'long enough to be safe'").unwrap();
        assert!(!format!("{config:?} {}", toml::to_string(&config).unwrap()).contains("long enough"));
    }
}
