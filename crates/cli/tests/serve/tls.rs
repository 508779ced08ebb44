//! TLS by certificate files, and addresses that others can reach: what is served there asks for a token.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::node::{Node, wait_for};

#[test]
fn certificate_files_make_it_https() {
    let mut node = Node::new(None);
    let Some(()) = certificate(node.folder()) else { return };
    node.set("server", "tls_certificate = \"certificate.pem\"\ntls_key = \"key.pem\"");
    node.start();
    let (folder, address) = (node.folder().to_owned(), node.address().to_owned());
    let ask = |scheme: &str, path: &str, more: &[&str]| {
        let url = format!("{scheme}://{address}{path}");
        let mut curl = Command::new("curl");
        let output = curl
            .current_dir(&folder)
            .args(["-sS", "-o", "-", "-w", "\n%{http_code}", "--max-time", "10"])
            .args(more)
            .arg(url)
            .output();
        let output = output.unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let trusted = ["--cacert", "certificate.pem"];
    wait_for("https", Duration::from_secs(30), || ask("https", "/readyz", &trusted).1.ends_with("200"));
    // With a token as over http, without one not.
    let bearer = format!("Authorization: Bearer {}", node.token());
    let (is_answered, answer) = ask("https", "/api/v1/rules", &[&trusted[..], &["-H", &bearer]].concat());
    assert!(is_answered && answer.ends_with("200") && answer.contains("items"), "{answer}");
    assert!(ask("https", "/api/v1/rules", &trusted).1.ends_with("401"));
    // Who does not trust the certificate turns away, and plain text is not spoken.
    assert!(!ask("https", "/readyz", &[]).0);
    let (is_answered, answer) = ask("http", "/readyz", &[]);
    assert!(!is_answered || !answer.ends_with("200"), "{answer}");
    let (status, _) = node.stop();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn half_a_certificate_is_refused() {
    let node = Node::new(None);
    node.set("server", "tls_certificate = \"certificate.pem\"");
    let (is_well, said) = node.refused();
    assert!(!is_well && said.contains("tls_key"), "{said}");
}

#[test]
fn without_tokens_no_other_machine_is_served() {
    let node = Node::new(None);
    node.set("server", "auth = \"none\"");
    let port = node.address().rsplit(':').next().unwrap().to_owned();
    let path = node.folder().join("bartizan.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    for address in ["0.0.0.0", "[::]", "192.0.2.1"] {
        let elsewhere =
            text.replacen(&format!("\"{}\"", node.address()), &format!("\"{address}:{port}\""), 1);
        assert_ne!(elsewhere, text);
        std::fs::write(&path, elsewhere).unwrap();
        let (is_well, said) = node.refused();
        assert!(!is_well && said.contains("tokens"), "{address}: {said}");
    }
}

/// `certificate.pem` for 127.0.0.1, signed by itself, and `key.pem`. `None`, with a word about it, without the programs.
fn certificate(folder: &Path) -> Option<()> {
    for program in ["openssl", "curl"] {
        let option = if program == "curl" { "--version" } else { "version" };
        if Command::new(program).arg(option).output().is_err() {
            println!("not run: {program} is not installed");
            return None;
        }
    }
    let args = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout key.pem -out certificate.pem \
                -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1";
    let output = Command::new("openssl").current_dir(folder).args(args.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(())
}
