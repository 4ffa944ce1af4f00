//! Text in Markdown: what a report quotes may hold anything, and must be shown, not obeyed.

use std::fmt;

/// The escaper of `.md` templates (`askama.toml`): text stays text, on one line, in tables too.
#[derive(Clone, Copy, Debug)]
pub struct Markdown;

impl askama::filters::Escaper for Markdown {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        let mut before = ' ';
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '\n' | '\t' => dest.write_char(' ')?,
                c if c.is_control() => {}
                // Inside a word it marks nothing, and step ids are full of it.
                '_' if before.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphanumeric()) => {
                    dest.write_char(c)?
                }
                '<' => dest.write_str("&lt;")?,
                '>' => dest.write_str("&gt;")?,
                '&' => dest.write_str("&amp;")?,
                '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '!' | '~' | '{' | '}' | '$' => {
                    dest.write_char('\\')?;
                    dest.write_char(c)?;
                }
                // A link by itself, in most renderers.
                ':' if rest.peek() == Some(&'/') => dest.write_str("&#58;")?,
                c => dest.write_char(c)?,
            }
            before = c;
        }
        Ok(())
    }
}

/// A code span that shows `text` as it is; in a table as well. To be used with `|safe`.
pub fn code(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.trim().is_empty() {
        return String::new();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

/// A block of commands, as an indented block: nothing in it can end it. To be used with `|safe`.
pub fn block(lines: &[String]) -> String {
    let clean = |line: &String| {
        line.chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect::<String>()
    };
    lines
        .iter()
        .map(|line| format!("    {}\n", clean(line)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use askama::filters::Escaper;

    fn escaped(text: &str) -> String {
        let mut out = String::new();
        Markdown.write_escaped_str(&mut out, text).unwrap();
        out
    }

    #[test]
    fn text_is_never_markup() {
        assert_eq!(escaped("backup_a took 3 s"), "backup_a took 3 s");
        assert_eq!(
            escaped("_a_ *b* [c](d) `e`"),
            "\\_a\\_ \\*b\\* \\[c\\](d) \\`e\\`"
        );
        assert_eq!(escaped("<img src=x>&amp;"), "&lt;img src=x&gt;&amp;amp;");
        assert_eq!(escaped("a | b\n# c\u{1b}[0m"), "a \\| b \\# c\\[0m");
        assert_eq!(escaped("https://evil.example/"), "https&#58;//evil.example/");
    }

    #[test]
    fn code_spans_cannot_be_left() {
        assert_eq!(code("/srv/backups/a_b"), "`/srv/backups/a_b`");
        assert_eq!(code("a`b``c|d\n# e"), "```a`b``c\\|d # e```");
        assert_eq!(code("`x"), "`` `x ``");
        assert_eq!(code(" "), "");
    }

    #[test]
    fn blocks_stay_indented() {
        assert_eq!(block(&["a\nb".into(), "```".into()]), "    a b\n    ```\n");
    }
}
