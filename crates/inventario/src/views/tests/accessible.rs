//! What a program can tell of accessibility: labels, names, headings, ids, balanced elements.

use std::collections::HashSet;

const VOID: [&str; 7] = ["meta", "link", "input", "br", "img", "rect", "circle"];

/// One tag, opened or closed.
struct Tag<'a> {
    name: &'a str,
    closes: bool,
    text: &'a str,
    /// What stands between this tag and the next.
    behind: &'a str,
}

impl<'a> Tag<'a> {
    fn get(&self, attribute: &str) -> Option<&'a str> {
        let start = self.text.find(&format!(" {attribute}=\""))? + attribute.len() + 3;
        self.text[start..].split('"').next()
    }
}

fn tags(html: &str) -> Vec<Tag<'_>> {
    // Every `>` inside a value is escaped by the templates; the check of balance would find one that is not.
    let tag = |piece: &'_ str| -> Option<(usize, usize)> { Some((piece.find('>')?, piece.len())) };
    html.split('<')
        .skip(1)
        .filter(|piece| !piece.starts_with('!'))
        .filter_map(|piece| {
            let (end, length) = tag(piece)?;
            let text = piece[..end].trim_end_matches('/');
            let closes = text.starts_with('/');
            let name = text.trim_start_matches('/').split(' ').next().unwrap_or("");
            let closes_itself = piece[..end].ends_with('/');
            let name = if closes_itself && !VOID.contains(&name) {
                "unknown-void"
            } else {
                name
            };
            Some(Tag {
                name,
                closes,
                text,
                behind: &piece[end + 1..length],
            })
        })
        .collect()
}

pub(super) fn check(html: &str) -> Result<(), String> {
    let tags = tags(html);
    balanced(&tags)?;
    let opened: Vec<&Tag<'_>> = tags.iter().filter(|tag| !tag.closes).collect();
    let mut ids = HashSet::new();
    for id in opened.iter().filter_map(|tag| tag.get("id")) {
        if !ids.insert(id) {
            return Err(format!("the id {id} stands twice"));
        }
    }
    let labels: HashSet<&str> = opened
        .iter()
        .filter(|tag| tag.name == "label")
        .filter_map(|tag| tag.get("for"))
        .collect();
    let mut heading = 0;
    for tag in &opened {
        match tag.name {
            "input" if tag.get("type") == Some("hidden") => {}
            "input" | "select" | "textarea" if !tag.get("id").is_some_and(|id| labels.contains(id)) => {
                return Err(format!("no label: {}", tag.text));
            }
            "h1" | "h2" | "h3" => {
                let level = usize::from(tag.name.as_bytes()[1] - b'0');
                if level > heading + 1 {
                    return Err(format!("{} behind a heading of level {heading}", tag.name));
                }
                heading = level;
            }
            "img" if tag.get("alt").is_none() => return Err(format!("no alt: {}", tag.text)),
            "svg" if tag.get("aria-hidden").is_none() => return Err(format!("not hidden: {}", tag.text)),
            "nav" if tag.get("aria-label").is_none() => return Err(format!("no name: {}", tag.text)),
            "th" if tag.get("scope").is_none() => return Err(format!("no scope: {}", tag.text)),
            _ => {}
        }
        for reference in ["aria-describedby", "aria-labelledby", "for"] {
            for id in tag.get(reference).unwrap_or("").split_whitespace() {
                if !ids.contains(id) {
                    return Err(format!("{reference} names {id}, which is not there"));
                }
            }
        }
        if let Some(anchor) = tag.get("href").and_then(|href| href.strip_prefix('#'))
            && !ids.contains(anchor)
        {
            return Err(format!("a link leads to #{anchor}, which is not there"));
        }
    }
    let count = |name| opened.iter().filter(|tag| tag.name == name).count();
    for name in ["h1", "main", "title"] {
        if count(name) != 1 {
            return Err(format!("{} elements {name}", count(name)));
        }
    }
    named(&tags)
}

/// Links and buttons have a text or a label.
fn named(tags: &[Tag<'_>]) -> Result<(), String> {
    for (at, tag) in tags
        .iter()
        .enumerate()
        .filter(|(_, tag)| !tag.closes && matches!(tag.name, "a" | "button"))
    {
        let inside = tags[at..]
            .iter()
            .take_while(|inner| !(inner.closes && inner.name == tag.name));
        let text: String = inside.map(|inner| inner.behind).collect();
        if text.trim().is_empty() && tag.get("aria-label").is_none() {
            return Err(format!("no name: {}", tag.text));
        }
    }
    Ok(())
}

fn balanced(tags: &[Tag<'_>]) -> Result<(), String> {
    let mut open = Vec::new();
    for tag in tags.iter().filter(|tag| !VOID.contains(&tag.name)) {
        if !tag.closes {
            open.push(tag.name);
        } else if open.pop() != Some(tag.name) {
            return Err(format!("</{}> closes something else (open: {open:?})", tag.name));
        }
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(format!("not closed: {open:?}"))
    }
}

/// Replaces the hashes in addresses of assets.
pub(super) fn without_hashes(html: &str) -> String {
    let mut out = String::new();
    let mut parts = html.split("/assets/");
    out.push_str(parts.next().unwrap_or(""));
    for part in parts {
        let (file, rest) = part.split_once('"').unwrap_or((part, ""));
        let mut words = file.split('.');
        let (stem, extension) = (words.next().unwrap_or(""), words.next_back().unwrap_or(""));
        out.push_str(&format!("/assets/{stem}.HASH.{extension}\"{rest}"));
    }
    out
}

#[test]
fn the_check_finds_what_it_should() {
    let page =
        |inside: &str| format!("<!doctype html><html><title>t</title><main><h1>x</h1>{inside}</main></html>");
    assert_eq!(check(&page("<label for=\"a\">A</label><input id=\"a\">")), Ok(()));
    for broken in [
        "<input id=\"a\">",
        "<h3>x</h3>",
        "<h1>y</h1>",
        "<p>",
        "<a href=\"/\"></a>",
        "<button><svg aria-hidden=\"true\"></svg></button>",
        "<p id=\"a\"></p><p id=\"a\"></p>",
        "<a href=\"#b\">b</a>",
        "<nav></nav>",
        "<p><b></p></b>",
    ] {
        assert!(check(&page(broken)).is_err(), "{broken}");
    }
}
