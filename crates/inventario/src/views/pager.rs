//! Where a page stands in its list, and the way to its neighbours.

use askama::Template;

use super::format;
use super::texts::Texts;

/// The foot of a list.
#[derive(Template)]
#[template(path = "pager.html")]
pub(super) struct Pager {
    t: &'static Texts,
    range: String,
    total: String,
    links: Vec<Link>,
}

struct Link {
    label: String,
    href: Option<String>,
    rel: Option<&'static str>,
    current: bool,
}

/// The neighbours of a page; `None` where there is none.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    pub(super) first: Option<String>,
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
}

impl Pager {
    /// `before` rows stand before this page's `rows`, out of `total`; a page has `size` rows.
    pub(super) fn new(
        t: &'static Texts,
        (before, rows, total): (u64, u64, u64),
        size: u64,
        neighbours: Neighbours,
    ) -> Self {
        let count = |number| format::count(t.language, number);
        // Rows may come and go between two pages: what is said stays possible.
        let last = (before + rows).min(total.max(rows));
        let first = (last + 1).saturating_sub(rows).max(1);
        let range = if rows == 0 {
            count(0)
        } else {
            format!("{}–{}", count(first), count(last))
        };
        let here = Link {
            label: count(first.div_ceil(size.max(1))),
            href: None,
            rel: None,
            current: true,
        };
        let link = |label: &str, href, rel| Link {
            label: label.to_owned(),
            href,
            rel,
            current: false,
        };
        let mut links = Vec::new();
        if before > 0 {
            links.push(link("1", neighbours.first, None));
            links.push(link(t.list.previous, neighbours.previous, Some("prev")));
        }
        links.push(here);
        if neighbours.next.is_some() {
            links.push(link(t.list.next, neighbours.next, Some("next")));
        }
        links.retain(|link| link.current || link.href.is_some());
        Self {
            t,
            range,
            total: count(total),
            links,
        }
    }
}
