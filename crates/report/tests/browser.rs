//! The page in a real browser: nothing loads, nothing fails, nothing overlaps, everything is readable.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a test that does not run says so")]

mod chromium;
mod sample;

use std::fs;
use std::path::{Path, PathBuf};

use bartizan_report::html::{PageLimits, page};
use chromium::Chromium;
use serde_json::{Value, json};

/// Runs a test with the sample's page in a browser; says plainly when there is no browser.
fn with_page(test: impl FnOnce(&mut Chromium, &Path)) {
    let Some(program) = chromium::program() else {
        println!(
            "NOT RUN: there is no Chromium here (chromium, chromium-browser, google-chrome; or name one in CHROMIUM)"
        );
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    fs::write(&file, page(&sample::hunt(), PageLimits::default())).unwrap();
    test(&mut Chromium::start(&program), &file);
}

fn screen(browser: &mut Chromium, width: u32, theme: &str) {
    let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500 });
    browser.ask("Emulation.setDeviceMetricsOverride", size);
    let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": theme }] });
    browser.ask("Emulation.setEmulatedMedia", features);
}

const SCREENS: [(u32, &str); 6] =
    [(1440, "light"), (1440, "dark"), (820, "light"), (390, "light"), (390, "dark"), (320, "light")];

#[test]
fn nothing_is_loaded_and_nothing_fails() {
    with_page(|browser, file| {
        for (width, theme) in SCREENS {
            screen(browser, width, theme);
            browser.open(file);
            browser.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)");
            for (method, parameters) in browser.happened() {
                match method.as_str() {
                    "Runtime.exceptionThrown"
                    | "Runtime.consoleAPICalled"
                    | "Log.entryAdded"
                    | "Page.javascriptDialogOpening" => {
                        panic!("{method}: {parameters}")
                    }
                    "Network.requestWillBeSent" => {
                        let url = parameters["request"]["url"].as_str().unwrap();
                        assert_eq!(url, format!("file://{}", file.display()));
                    }
                    _ => {}
                }
            }
        }
    });
}

/// Elements that reach beyond the screen or their parents, and texts in pictures that touch each other.
const OVERFLOWS: &str = r#"(() => {
  const found = [];
  const name = one => one.tagName + "." + one.className + " " + (one.textContent || "").slice(0, 60);
  const page = document.documentElement;
  if (page.scrollWidth > innerWidth) found.push("the page: " + page.scrollWidth + " > " + innerWidth);
  document.querySelectorAll("details").forEach(one => one.open = true);
  for (const one of document.querySelectorAll("main *, header *, footer *, nav *")) {
    if (one.closest(".unseen, thead") || !one.checkVisibility()) continue;
    const box = one.getBoundingClientRect();
    if (box.width && (box.right > innerWidth + 1 || box.left < -1)) found.push("beyond the screen: " + name(one));
    if (!one.closest("svg") && one.clientWidth && one.scrollWidth > one.clientWidth + 1) found.push("wider than its box: " + name(one));
  }
  for (const picture of document.querySelectorAll("figure svg")) {
    if (!picture.checkVisibility()) continue;
    const frame = picture.getBoundingClientRect();
    const texts = [...picture.querySelectorAll("text")].map(one => [one.getBoundingClientRect(), one.textContent]);
    texts.forEach(([a, first], index) => {
      if (a.left < frame.left - 2 || a.right > frame.right + 2 || a.top < frame.top - 2 || a.bottom > frame.bottom + 2) found.push("outside of its picture: " + first);
      texts.slice(index + 1).forEach(([b, second]) => {
        if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3) found.push("texts meet: " + first + " | " + second);
      });
    });
    for (const box of picture.querySelectorAll("rect.box")) {
      const room = box.getBoundingClientRect();
      for (const [text, words] of texts) {
        const starts = text.left >= room.left && text.left < room.right && text.top >= room.top - 2 && text.bottom <= room.bottom + 2;
        if (starts && text.right > room.right) found.push("out of its box: " + words);
      }
    }
  }
  return found.slice(0, 20);
})()"#;

#[test]
fn nothing_overflows_or_overlaps() {
    with_page(|browser, file| {
        for (width, theme) in SCREENS {
            screen(browser, width, theme);
            browser.open(file);
            assert_eq!(browser.evaluate(OVERFLOWS), json!([]), "{width} {theme}");
            // The check itself finds what it is there for.
            browser.evaluate(
                "document.querySelector('main p').style.cssText = 'width: 3000px; max-width: none'",
            );
            assert_ne!(browser.evaluate(OVERFLOWS), json!([]));
        }
    });
}

/// Texts whose contrast with what is behind them is under 4.5 to 1. Source: WCAG 2.2, 1.4.3.
const FAINT_TEXTS: &str = r#"(() => {
  const channels = text => { const all = text.match(/[\d.]+/g).map(Number); return all.length < 4 ? [...all, 1] : all; };
  const light = ([r, g, b]) => [r, g, b].map(c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const ground = one => { for (; one; one = one.parentElement) { const c = channels(getComputedStyle(one).backgroundColor); if (c[3] > .99) return c; } return [255, 255, 255, 1]; };
  const found = new Set();
  document.querySelectorAll("details").forEach(one => one.open = true);
  let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || ["SCRIPT", "STYLE"].includes(one.tagName) || !one.checkVisibility()) continue;
    seen += 1;
    const picture = one.closest("svg");
    const ink = channels(getComputedStyle(one)[picture ? "fill" : "color"]);
    let behind = ground(picture ? picture.parentElement : one);
    if (picture) {
      const at = one.getBoundingClientRect();
      for (const rect of picture.querySelectorAll("rect.state, rect.box")) {
        const box = rect.getBoundingClientRect();
        if (box.left <= at.left + 1 && box.right >= at.right - 1 && box.top <= at.top + 1 && box.bottom >= at.bottom - 1) behind = channels(getComputedStyle(rect).fill);
      }
    }
    const [a, b] = [light(ink), light(behind)];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) found.add(ratio.toFixed(2) + " " + one.tagName + "." + one.getAttribute("class") + " " + one.textContent.slice(0, 40));
  }
  return { seen, found: [...found].slice(0, 20) };
})()"#;

#[test]
fn every_text_stands_out_in_both_themes() {
    with_page(|browser, file| {
        for theme in ["light", "dark"] {
            screen(browser, 1440, theme);
            browser.open(file);
            let answer = browser.evaluate(FAINT_TEXTS);
            assert_eq!(answer["found"], json!([]), "{theme}");
            assert!(answer["seen"].as_u64().is_some_and(|seen| seen > 500));
        }
    });
}

#[test]
fn the_theme_can_be_switched_and_commands_copied() {
    with_page(|browser, file| {
        screen(browser, 1440, "light");
        browser.open(file);
        let ground = "getComputedStyle(document.body).backgroundColor";
        let light = browser.evaluate(ground);
        assert_eq!(
            browser.evaluate(
                "document.getElementById('theme').click(); document.getElementById('theme').textContent"
            ),
            "Light theme"
        );
        let dark = browser.evaluate(ground);
        assert_ne!(light, dark);
        browser.evaluate("document.getElementById('theme').click()");
        assert_eq!(browser.evaluate(ground), light);
        assert_eq!(browser.evaluate("document.querySelectorAll('.command').length === document.querySelectorAll('.command button').length"), true);
        // Everything that can be used is reached with the keyboard, and shows where it is.
        assert_eq!(
            browser.evaluate(
                "[...document.querySelectorAll('a, button, summary')].every(one => one.tabIndex >= 0)"
            ),
            true
        );
    });
}

#[test]
fn without_its_script_the_page_is_whole() {
    with_page(|browser, file| {
        screen(browser, 1440, "light");
        browser.open(file);
        let words = "document.querySelector('main').textContent.replaceAll('Copy', '').length";
        let with_script = browser.evaluate(words);
        browser.ask("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
        browser.open(file);
        assert_eq!(browser.evaluate(words), with_script);
        assert_eq!(browser.evaluate("document.getElementById('theme').checkVisibility()"), false);
    });
}

#[test]
fn it_prints_everything_on_light_paper() {
    with_page(|browser, file| {
        screen(browser, 1440, "dark");
        browser.open(file);
        let pdf =
            browser.ask("Page.printToPDF", json!({ "printBackground": true, "preferCSSPageSize": true }));
        let pdf = pdf["data"].as_str().unwrap();
        // `%PDF-1.` in Base64.
        assert!(pdf.starts_with("JVBERi0xL") && pdf.len() > 200_000, "{}", pdf.len());
        // What is folded is shown on paper, also without the script; what is only for a screen is not.
        browser.ask("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
        browser.open(file);
        let media =
            json!({ "media": "print", "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
        browser.ask("Emulation.setEmulatedMedia", media);
        let visible = |browser: &mut Chromium, selector: &str| -> Value {
            browser.evaluate(&format!(
                "(() => {{ const all = [...document.querySelectorAll('{selector}')]; return [all.length > 0, all.every(one => one.checkVisibility() && one.getBoundingClientRect().height > 0), all.some(one => one.checkVisibility())]; }})()"
            ))
        };
        assert_eq!(visible(browser, "details:not([open]) > table"), json!([true, true, true]));
        assert_eq!(visible(browser, ".contents, .skip, button"), json!([true, false, false]));
        assert_eq!(browser.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)");
    });
}

/// Pictures for people to look at: name a folder in `BARTIZAN_SCREENSHOTS`.
#[test]
fn pictures_for_people() {
    let Some(folder) = std::env::var_os("BARTIZAN_SCREENSHOTS").map(PathBuf::from) else {
        println!("NOT RUN: no folder for pictures is named in BARTIZAN_SCREENSHOTS");
        return;
    };
    with_page(|browser, file| {
        use base64::Engine as _;
        fs::create_dir_all(&folder).unwrap();
        for (width, theme) in SCREENS {
            screen(browser, width, theme);
            browser.open(file);
            let height = browser.evaluate("document.documentElement.scrollHeight").as_f64().unwrap();
            let part = 2000.0;
            for number in 0..(height / part).ceil() as u32 {
                let top = f64::from(number) * part;
                let clip =
                    json!({ "x": 0, "y": top, "width": width, "height": part.min(height - top), "scale": 1 });
                let picture = browser
                    .ask("Page.captureScreenshot", json!({ "captureBeyondViewport": true, "clip": clip }));
                let bytes =
                    base64::prelude::BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
                fs::write(folder.join(format!("{width}-{theme}-{number:02}.png")), bytes).unwrap();
            }
        }
    });
}
