//! `bartizan verify`: downloaded CloudTrail files against the digests that AWS signed, without asking AWS.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use ingest::Limits;
use ingest::digest::{self, FileContent, LocalFile, PublicKeys, Signatures, UnverifiableReason, Verdict};
use ingest::digest::{NoSignatureCheck, Verification};
use ingest::source::{InputFile, directory, find};

use super::Context;
use super::hunt::all_cores;
use crate::exit_status::ExitStatus;
use crate::printer::Printer;
use crate::reporter::verification::{self, Given};

const EXAMPLES: &str = "\
Examples:
  aws cloudtrail list-public-keys --region eu-west-1 --start-time 2026-03-01 > keys.json
  bartizan verify ./AWSLogs --public-keys keys.json
  bartizan verify ./AWSLogs --public-keys keys.json --signatures newest.txt --format json

The newest digest of a chain has its signature in the bucket only: see `docs/verify.md` for how to keep it.";

/// Arguments of `bartizan verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Files and folders with digests and log files, anywhere and in any layout
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Public keys: what `aws cloudtrail list-public-keys` gave for the time and region of the digests. May be given
    /// several times. Without them hashes alone are held against each other
    #[arg(long, value_name = "FILE")]
    public_keys: Vec<PathBuf>,
    /// Signatures of the newest digests: lines of a digest's key and its signature. May be given several times. Files
    /// beside digests with `.signature` after their names are read too
    #[arg(long, value_name = "FILE")]
    signatures: Vec<PathBuf>,
    /// The format of the result
    #[arg(long, value_enum, default_value_t = VerifyFormat::Table)]
    format: VerifyFormat,
    /// How many files the table names of each kind; 0 for all
    #[arg(long, value_name = "N", default_value_t = 50)]
    rows: usize,
    /// Exit with 2 also when there is a file that no signature proves
    #[arg(long)]
    strict: bool,
    /// Threads that read and hash [default: as many as the machine has]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// The formats of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum VerifyFormat {
    /// For people: sums by trail, and the files that are not valid
    Table,
    /// One object with `trails`, `gaps` and `files`, every one of them
    Json,
}

/// What the name of a file with a digest's signature ends in.
const SIGNATURE: &str = ".signature";

/// What files were checked with, and what came of it.
pub(crate) struct Checked {
    pub(crate) verification: Verification,
    pub(crate) given: Given,
    pub(crate) has_digests: bool,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let jobs = args.jobs.unwrap_or_else(all_cores);
    let checked = check(&args.paths, &args.public_keys, &args.signatures, jobs, &context.printer)?;
    let Checked { verification, given, has_digests } = checked;
    let mut out = context.printer.stdout();
    match args.format {
        VerifyFormat::Table => verification::write_text(&mut out, &verification, &given, args.rows),
        VerifyFormat::Json => verification::write_json(&mut out, &verification, &given),
    }
    .context("cannot write the result")?;
    Ok(status(&verification, has_digests, args.strict))
}

/// Reads everything below the paths, and holds it against the digests among it.
pub(crate) fn check(
    paths: &[PathBuf],
    public_keys: &[PathBuf],
    signature_files: &[PathBuf],
    jobs: NonZeroUsize,
    printer: &Printer,
) -> anyhow::Result<Checked> {
    if paths.iter().any(|path| directory::is_stdin(path)) {
        anyhow::bail!("standard input has no name, and digests name files: give files and folders");
    }
    let mut keys = PublicKeys::default();
    for path in public_keys {
        let read = || -> anyhow::Result<PublicKeys> { Ok(PublicKeys::read(&fs::read(path)?)?) };
        let cannot = || format!("--public-keys {}: cannot be used", path.display());
        keys.merge(read().with_context(cannot)?).with_context(cannot)?;
    }
    let mut signatures = Signatures::default();
    for path in signature_files {
        let cannot = || format!("--signatures {}: cannot be used", path.display());
        let text = fs::read_to_string(path).with_context(cannot)?;
        signatures.extend(Signatures::read(&text).with_context(cannot)?);
    }

    let found = find(paths)?;
    let own: Vec<PathBuf> =
        public_keys.iter().chain(signature_files).filter_map(|path| path.canonicalize().ok()).collect();
    let mut inputs = found.files;
    inputs.retain(|file| file.path.canonicalize().map_or(true, |path| !own.contains(&path)));
    inputs.retain(|file| !take_signature(file, &mut signatures, printer));
    let unreadable = found
        .skipped
        .iter()
        .map(|(path, why)| LocalFile::unreadable(&path.to_string_lossy(), why.to_string()));
    if inputs.is_empty() && found.skipped.is_empty() {
        let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        anyhow::bail!("nothing to verify below {}", paths.join(", "));
    }
    let mut files = read_all(&inputs, jobs);
    files.extend(unreadable);

    let verification = digest::verify(&files, &keys, &signatures);
    let given = Given { public_keys: keys.len(), signatures: signatures.len() };
    let has_digests = files.iter().any(|file| matches!(file.content, FileContent::Digest { .. }));
    Ok(Checked { verification, given, has_digests })
}

/// Reads the signature beside a digest; false when the file is none.
fn take_signature(file: &InputFile, signatures: &mut Signatures, printer: &Printer) -> bool {
    let name = file.name();
    let Some(digest) = name.strip_suffix(SIGNATURE) else { return false };
    if !has_digest(Path::new(digest)) {
        return false;
    }
    let read = fs::read_to_string(&file.path).map_err(|error| error.to_string());
    match read.and_then(|signature| signatures.add(digest, &signature)) {
        Ok(()) => true,
        Err(reason) => {
            printer.warn(format!("{name} is not used: {reason}"));
            false
        }
    }
}

/// Whether a digest lies at a path, packed or unpacked.
fn has_digest(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.contains("_CloudTrail-Digest_") && (path.is_file() || Path::new(&format!("{name}.gz")).is_file())
}

/// Reads files in several threads; what cannot be read is said in its content.
fn read_all(inputs: &[InputFile], jobs: NonZeroUsize) -> Vec<LocalFile> {
    let (next, files) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(inputs.len())));
    let limits = Limits::default();
    std::thread::scope(|threads| {
        for _ in 0..jobs.get().min(inputs.len()) {
            threads.spawn(|| {
                while let Some(input) = inputs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let file = match input.open() {
                        Ok(stream) => digest::read_file(&input.name(), stream, &limits),
                        Err(why) => LocalFile::unreadable(&input.name(), why.to_string()),
                    };
                    files.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(file);
                }
            });
        }
    });
    let mut files = files.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    files
}

fn status(verification: &Verification, has_digests: bool, strict: bool) -> ExitStatus {
    let any = |of: fn(&Verdict) -> bool| verification.findings.iter().any(|finding| of(&finding.verdict));
    let invalid = match any(|verdict| matches!(verdict, Verdict::Invalid(_))) {
        true => ExitStatus::FILES_INVALID,
        false => ExitStatus::Done,
    };
    // Whoever gives keys wants signatures checked.
    let not_checked = any(|verdict| {
        let (Verdict::Consistent(why) | Verdict::Unverifiable(UnverifiableReason::NoSignatureCheck(why))) =
            verdict
        else {
            return false;
        };
        matches!(why, NoSignatureCheck::NoPublicKey { .. } | NoSignatureCheck::Algorithm { .. })
    });
    let incomplete = strict && any(|verdict| *verdict != Verdict::Valid);
    match invalid {
        // What was changed is graver than what could not be told.
        ExitStatus::Done if !has_digests || not_checked || incomplete => ExitStatus::CouldNotRun,
        status => status,
    }
}
