//! The matrix' page as a reader meets it, in a real browser: its filters, a cell that opens, a phone, and
//! no complaint in the console.

mod browser;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use browser::Browser;
use conformance::{DIST, Lua};
use serde_json::json;

const LUAS: [Lua; 2] = [Lua::Lua51, Lua::Lua54];

/// A part of the matrix: a scenario that is the same everywhere, one that differs in positions alone, and
/// one that differs in more, on two Luas; our module, and a candidate that is not there, so that something fails.
fn page(directory: &Path) -> PathBuf {
    let empty = directory.join("an empty folder");
    fs::create_dir_all(&empty).expect("a directory can be made");
    let before = directory.join("before");
    run(&["module"], &before, |command| command);
    let text = run(&["module", "candidate"], directory, |command| {
        let old = before.join("matrix.json");
        command
            .env("COSOCK_CANDIDATE", &empty)
            .arg("--against")
            .arg(old)
    });
    let index = directory.join("index.html");
    fs::canonicalize(&index).unwrap_or_else(|error| panic!("{index:?}: {error}\n{text}"))
}

/// Makes the report of these subjects; a candidate has to fail.
fn run(
    subjects: &[&str],
    output: &Path,
    more: impl FnOnce(&mut Command) -> &mut Command,
) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_matrix"));
    for (option, values) in [
        (
            "--only",
            ["tasks/exit_in_a_task", "channels/channel", "socket/dns"].as_slice(),
        ),
        ("--lua", &LUAS.map(Lua::name)),
        ("--subject", subjects),
    ] {
        for value in values {
            command.args([option, value]);
        }
    }
    if !LUAS.iter().all(|lua| lua.is_selected()) {
        // It holds those that are selected; others are built.
        command.env_remove(DIST);
    }
    let command = more(command.arg("--output").arg(output));
    let output = command.output().expect("the matrix can be run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = i32::from(subjects.contains(&"candidate"));
    assert_eq!(output.status.code(), Some(expected), "{subjects:?}\n{text}");
    text
}

const ROWS: &str = "[...document.querySelectorAll('#matrix tr[data-test]')].filter((row) => row.offsetParent)\
                    .map((row) => row.dataset.test)";

#[test]
fn page_can_be_read_filtered_and_opened() {
    let Some(program) = browser::installed() else {
        println!("skipped: no browser is installed here; ci/setup installs Debian's");
        return;
    };
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    let page = page(&directory);
    let mut browser = Browser::start(&program, &directory.join("profile"));
    browser.resize(1280, 900);
    browser.show(&page);

    let all = json!(["tasks/exit_in_a_task", "channels/channel", "socket/dns"]);
    assert_eq!(browser.evaluate(ROWS), all);
    let count = "document.getElementById('count').textContent";
    assert_eq!(browser.evaluate(count), "3 of 3 claims");
    let verdict = browser.evaluate("document.getElementById('verdict').textContent");
    assert!(
        verdict
            .as_str()
            .unwrap()
            .starts_with("6 of 12 cells do not pass"),
        "{verdict}"
    );

    // The run before had no candidate: its module stands for it.
    let headline = browser.evaluate("document.getElementById('headline').textContent");
    assert!(
        headline.as_str().unwrap().ends_with(" changes in 12 cells"),
        "{headline}"
    );
    let changes = browser.evaluate("document.getElementById('changes').innerText");
    for expected in [
        "candidate on 5.4 is held against the other run's module",
        "channels/channel on 5.4, candidate: DIFFERENT -> FAIL",
    ] {
        assert!(changes.as_str().unwrap().contains(expected), "{changes}");
    }

    // The candidate alone fails.
    let choose = |browser: &mut Browser, name: &str, value: &str| {
        browser.evaluate(&format!(
            "(() => {{ const it = document.querySelector('[name={name}]'); it.value = '{value}'; \
             it.dispatchEvent(new Event('change', {{bubbles: true}})) }})()"
        ));
    };
    browser.click("[value=failures]");
    assert_eq!(browser.evaluate(ROWS), all);
    choose(&mut browser, "subject", "module");
    assert_eq!(browser.evaluate(ROWS), json!([]));
    browser.click("[value=differences]");
    let differing = json!(["channels/channel", "socket/dns"]);
    assert_eq!(browser.evaluate(ROWS), differing);
    browser.click("[value=beyond]");
    assert_eq!(browser.evaluate(ROWS), json!(["channels/channel"]));
    browser.click("[value=all]");
    choose(&mut browser, "subject", "");
    choose(&mut browser, "lua", "5.1");
    let heads = "[...document.querySelectorAll('#matrix th.lua')].filter((head) => head.offsetParent)\
                 .map((head) => head.textContent)";
    assert_eq!(browser.evaluate(heads), json!(["Lua 5.1"]));
    choose(&mut browser, "lua", "");

    cell_opens(&mut browser);
    reads_without_colour(&mut browser);

    // On a phone nothing is wider than the screen, and a cell still opens.
    browser.resize(390, 844);
    let width = browser.evaluate("document.scrollingElement.scrollWidth");
    assert!(width.as_u64().unwrap() <= 390, "the page is {width} wide");
    cell_opens(&mut browser);

    assert!(browser.complaints.is_empty(), "{:#?}", browser.complaints);
}

/// Opens the cell of ours that differs: it tells the claim, the script, both sides and the reason.
fn cell_opens(browser: &mut Browser) {
    browser
        .click("tr[data-test='channels/channel'] td[data-lua='5.4'][data-subject=module] button");
    assert_eq!(
        browser.evaluate("document.getElementById('cell').open"),
        true
    );
    let has = |browser: &mut Browser, selector: &str, word: &str| {
        let text = format!("document.querySelector({selector:?}).textContent");
        let text = browser.evaluate(&text);
        assert!(text.as_str().unwrap().contains(word), "{selector}: {text}");
    };
    has(browser, "#cell-title", "messages arrive in order");
    has(
        browser,
        "#cell-body",
        "ci/matrix --only channels/channel --lua 5.4 --subject module",
    );
    has(browser, "#cell-body details pre", "local trace = require");
    has(
        browser,
        "#cell-body .trace",
        "receiver-closes-while-a-task-receives",
    );
    has(browser, "#cell-body .trace mark", "");
    has(
        browser,
        "#cell-body .reason",
        "receiver:close wakes who receives",
    );
    browser.click("#close");
    assert_eq!(
        browser.evaluate("document.getElementById('cell').open"),
        false
    );
    // The command that runs a cell alone names the candidate, so that a shell takes it.
    browser.click(
        "tr[data-test='channels/channel'] td[data-lua='5.4'][data-subject=candidate] button",
    );
    has(browser, "#cell-body code", "--candidate '/");
    has(browser, "#cell-body code", "/an empty folder'");
    browser.click("#close");
}

/// Every grade has a sign of its own beside its colour, and a name for who does not see it.
fn reads_without_colour(browser: &mut Browser) {
    let signs = "[...document.querySelectorAll('#matrix button.grade')].every((cell) => \
                 /^[=+≈↑≠?✗]/.test(cell.textContent) && cell.getAttribute('aria-label').includes('Lua'))";
    assert_eq!(browser.evaluate(signs), true);
}
