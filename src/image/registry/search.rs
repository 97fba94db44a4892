//! Searching: by the old search interface, which Docker Hub and Quay still have, else through a registry's catalogue
//! (distribution specification of Docker, "Catalog").

use std::collections::BTreeSet;

use anyhow::Result;
use serde::Deserialize;
use ureq::http::Method;

use super::client::Client;
use super::error::RegistryError;
use super::wire::{form, next_page};
use crate::image::reference::HUB_OLD;
use crate::oci::image::MANIFEST_LIMIT;

/// Results that the Hub gives at a time.
const PAGE: usize = 100;
/// Most pages of a catalogue that are looked through.
const PAGES: usize = 1000;

/// A repository that was found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Match {
    pub name: String,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default, rename = "star_count")]
    pub stars: u64,
    #[serde(default, rename = "is_official")]
    pub official: bool,
    #[serde(default, rename = "is_automated")]
    pub automated: bool,
}

impl Client {
    /// The repositories of the registry that have to do with `term`, the best first; all where it is empty.
    pub fn search(&self, term: &str, limit: usize) -> Result<Vec<Match>> {
        let by_index = if term.is_empty() {
            None
        } else {
            self.search_index(term, limit)?
        };
        match by_index {
            Some(found) => Ok(found),
            None => self.search_catalog(term, limit),
        }
    }

    /// `None`: the registry has no such interface.
    fn search_index(&self, term: &str, limit: usize) -> Result<Option<Vec<Match>>> {
        #[derive(Deserialize)]
        struct Answer {
            results: Vec<Match>,
        }
        let number = limit.clamp(1, PAGE).to_string();
        let target = format!("/v1/search?{}", form(&[("q", term), ("n", &number)]));
        match self.fetch(&self.get(Method::GET, &target, &[], "search"), MANIFEST_LIMIT) {
            Ok((_, bytes)) => match serde_json::from_slice::<Answer>(&bytes) {
                Ok(mut answer) => {
                    answer.results.truncate(limit);
                    Ok(Some(answer.results))
                }
                Err(_) if self.domain() == HUB_OLD => {
                    Err(self.wrong("the result of the search is no list".into()).into())
                }
                // Pages for people are what some answer to anything they do not know.
                Err(_) => Ok(None),
            },
            // Docker Hub has no catalogue that could be asked instead.
            Err(error) if self.domain() == HUB_OLD => Err(error),
            Err(error) => match error.downcast_ref::<RegistryError>() {
                Some(
                    RegistryError::Missing { .. }
                    | RegistryError::Denied { .. }
                    | RegistryError::Status { .. },
                ) => Ok(None),
                _ => Err(error),
            },
        }
    }

    fn search_catalog(&self, term: &str, limit: usize) -> Result<Vec<Match>> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            repositories: Option<Vec<String>>,
        }
        let mut target = "/v2/_catalog".to_owned();
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let (headers, bytes) =
                self.fetch(&self.get(Method::GET, &target, &[], "catalogue"), MANIFEST_LIMIT)?;
            let page: Page =
                serde_json::from_slice(&bytes).map_err(|_| self.wrong("its catalogue is no list".into()))?;
            let mut is_new = false;
            for name in page.repositories.unwrap_or_default() {
                if !seen.insert(name.clone()) {
                    continue;
                }
                is_new = true;
                if name.contains(term) && found.len() < limit {
                    found.push(Match {
                        name,
                        description: None,
                        stars: 0,
                        official: false,
                        automated: false,
                    });
                }
            }
            match next_page(&self.url(&target), &headers) {
                // A page without anything new leads nowhere.
                Some(next) if is_new && found.len() < limit => target = next,
                _ => break,
            }
        }
        Ok(found)
    }
}
