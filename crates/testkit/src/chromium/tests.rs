use super::*;

#[test]
fn a_page_is_drawn_and_its_scripts_run() {
    let sandbox = Sandbox::new();
    let script = "document.body.append('made ' + (40 + 2))";
    let page = sandbox.file(
        "page.html",
        format!("<!doctype html><title>t</title><body><script>{script}</script>"),
    );
    let url = format!("file://{}", page.display());
    assert!(dump_dom(&url).contains("made 42"));
    let picture = sandbox.path("page.png");
    screenshot(&url, &picture, 400, 300);
    let png = std::fs::read(&picture).unwrap();
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    // Width and height stand behind the name of the first chunk.
    assert_eq!(
        (&png[16..20], &png[20..24]),
        (&[0, 0, 1, 144][..], &[0, 0, 1, 44][..])
    );
}
