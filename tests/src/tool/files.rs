//! Files as people leave them and disks as they are: full, foreign, in the way.

use super::{Sealed, run, sealed};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output, Stdio};

fn tool(folder: &Path, arguments: &[&str]) -> Output {
    let output = run(arguments, folder).current_dir(folder).output();
    output.expect("the tool")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const PICTURE: [&str; 6] = ["generate", "--prompt", "apple", "--steps", "1", "--out"];

#[test]
fn a_name_that_is_not_utf_8_is_shown_as_well_as_it_can_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let Sealed { key, recipe, .. } = sealed(folder.path());
    let (key, recipe) = (key.display().to_string(), recipe.display().to_string());
    let seal = [
        "seal",
        "--recipe",
        &recipe,
        "--key",
        &key,
        "--origin",
        "log.example",
        "--out",
    ];
    for (arguments, name) in [
        (&PICTURE[..], &b"caf\xe9.png"[..]),
        (&["keygen", "--out"], b"x\xe9.key"),
        (&seal, b"x\xe9.seedmark"),
    ] {
        for (json, prefix) in [(false, &b"1"[..]), (true, b"2")] {
            let name = [prefix, name].concat();
            let output = run(arguments, folder.path())
                .arg(OsStr::from_bytes(&name))
                .args(json.then_some("--json"))
                .current_dir(folder.path())
                .output()
                .expect("the tool");
            assert!(output.status.success(), "{arguments:?}: {}", told(&output));
            assert!(folder.path().join(OsStr::from_bytes(&name)).is_file());
            if json {
                let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
                assert!(said.to_string().contains('\u{fffd}'), "{said}");
            }
        }
    }
}

#[test]
fn a_place_is_refused_before_the_work() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("adir")).expect("a folder");
    std::fs::write(folder.path().join("keep.txt"), "mine").expect("written");
    std::fs::write(folder.path().join("keep"), "mine").expect("written");
    let refused = |more: &[&str]| {
        // Without the library nothing could be made: the place is looked at first.
        let output = run(&PICTURE, folder.path())
            .args(more)
            .current_dir(folder.path())
            .env("ORT_DYLIB_PATH", "/nowhere")
            .output()
            .expect("the tool");
        assert_eq!(output.status.code(), Some(2), "{more:?}: {}", told(&output));
        told(&output)
    };
    assert!(refused(&["adir"]).contains("adir is a folder"));
    assert!(refused(&["new/"]).contains("new/ is a folder"));
    assert!(refused(&["pic.jpg"]).contains("end its name in .png"));
    assert!(refused(&["keep.txt"]).contains("end its name in .png"));
    assert!(refused(&["keep"]).contains("it is no PNG"));
    assert!(refused(&["/proc/nowhere/x.png"]).contains("/proc/nowhere"));
    for same in ["a", "./a", "adir/../a"] {
        assert!(refused(&["a", "--save-recipe", same]).contains("the same file"));
    }
    assert!(refused(&["a.png", "--save-recipe", "keep.txt"]).contains("it is no recipe"));
    assert!(refused(&["a.png", "--save-recipe", "-"]).contains("name a file"));
    assert!(refused(&["-", "--json"]).contains("standard output"));
    let keyed = tool(folder.path(), &["keygen", "--out", "-"]);
    assert_eq!(keyed.status.code(), Some(2), "{}", told(&keyed));
    assert_eq!(
        std::fs::read_to_string(folder.path().join("keep.txt")).expect("a file"),
        "mine"
    );
    assert!(!folder.path().join("a").exists() && !folder.path().join("-").exists());
}

#[test]
fn a_picture_is_replaced_by_a_picture_and_its_recipe_by_a_recipe() {
    let folder = tempfile::tempdir().expect("a folder");
    for prompt in ["apple", "pear"] {
        let made = tool(
            folder.path(),
            &[
                "generate",
                "--prompt",
                prompt,
                "--steps",
                "1",
                "--out",
                "a.png",
                "--save-recipe",
                "a.json",
            ],
        );
        assert!(made.status.success(), "{}", told(&made));
        let recipe = std::fs::read_to_string(folder.path().join("a.json")).expect("a recipe");
        assert!(recipe.contains(prompt));
    }
    // Who could read the old one can read the new one, and a file that is read-only stays.
    let mode = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path().join("a.png"), permissions).expect("a mode");
    };
    mode(0o600);
    let replaced = tool(folder.path(), &[&PICTURE[..], &["a.png"]].concat());
    assert!(replaced.status.success(), "{}", told(&replaced));
    let found = std::fs::metadata(folder.path().join("a.png")).expect("a picture");
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    mode(0o400);
    let kept = tool(folder.path(), &[&PICTURE[..], &["a.png"]].concat());
    assert!(told(&kept).contains("read-only"), "{}", told(&kept));
    // Nothing that was begun is left beside.
    let names = std::fs::read_dir(folder.path()).expect("a folder");
    assert_eq!(names.count(), 2);
    let piped = tool(folder.path(), &[&PICTURE[..], &["-"]].concat());
    assert!(piped.stdout.starts_with(b"\x89PNG") && piped.status.success());
    assert!(told(&piped).contains("blake3"), "the report goes elsewhere");
}

#[test]
fn line_ends_and_byte_order_marks_around_a_document_change_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let Sealed {
        key,
        recipe,
        bundle,
    } = sealed(folder.path());
    let policy = folder.path().join("policy");
    let log = "log.seedmark.example+83256037+AfxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIAl";
    std::fs::write(&policy, format!("log {log}\nquorum none\n")).expect("written");
    let around = |path: &Path, before: &str, after: &str| {
        let bytes = std::fs::read(path).expect("a file");
        let bytes = [before.as_bytes(), &bytes, after.as_bytes()].concat();
        std::fs::write(path, bytes).expect("written");
    };
    let text = |path: &Path| path.display().to_string();
    for (before, after) in [("", "\r\n"), ("\u{feff}", ""), ("\u{feff}", "\n")] {
        let copies = [&key, &recipe, &bundle].map(|path| {
            let copy = path.with_extension("copy");
            std::fs::copy(path, &copy).expect("a copy");
            around(&copy, before, after);
            let renamed = folder
                .path()
                .join(format!("c-{}", path.file_name().expect("a name").display()));
            std::fs::rename(&copy, &renamed).expect("renamed");
            text(&renamed)
        });
        let [key, recipe, bundle] = &copies;
        let verified = tool(folder.path(), &["verify", bundle]);
        assert!(
            verified.status.success(),
            "{before:?} {after:?}: {verified:?}"
        );
        let out = text(&folder.path().join("again.seedmark"));
        let resealed = tool(
            folder.path(),
            &[
                "seal",
                "--recipe",
                recipe,
                "--key",
                key,
                "--origin",
                "log.example",
                "--out",
                &out,
            ],
        );
        assert!(resealed.status.success(), "{}", told(&resealed));
        // What is committed to are the canonical bytes, whatever stood around them in the file.
        assert!(tool(folder.path(), &["verify", &out]).status.success());
        std::fs::remove_file(&out).expect("removed");
    }
    around(&policy, "\u{feff}", "\r\n");
    let judged = tool(
        folder.path(),
        &["verify", &text(&bundle), "--policy", &text(&policy)],
    );
    assert_eq!(
        judged.status.code(),
        Some(1),
        "read, and the seal is not in that log"
    );
    // More than one line end is another document, and is called no forgery of the seal but a file that cannot be read.
    around(&bundle, "", "\n\n");
    let odd = tool(folder.path(), &["verify", &text(&bundle)]);
    assert_eq!(odd.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&odd.stdout).contains("✗ format"));
}

#[test]
fn a_file_without_end_costs_what_the_largest_good_one_costs() {
    let folder = tempfile::tempdir().expect("a folder");
    let Sealed { key, bundle, .. } = sealed(folder.path());
    let (key, bundle) = (key.display().to_string(), bundle.display().to_string());
    for arguments in [
        &["verify", "/dev/zero"][..],
        &["reproduce", "/dev/zero"],
        &["verify", &bundle, "--policy", "/dev/zero"],
        &["generate", "--recipe", "/dev/zero", "--out", "out"],
        &[
            "seal",
            "--recipe",
            "/dev/zero",
            "--key",
            &key,
            "--origin",
            "x",
            "--out",
            "y",
        ],
    ] {
        let output = tool(folder.path(), arguments);
        assert!(!output.status.success());
        let said = format!(
            "{}{}",
            told(&output),
            String::from_utf8_lossy(&output.stdout)
        );
        assert!(said.contains("is longer than"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_bundle_comes_through_standard_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let Sealed { bundle, .. } = sealed(folder.path());
    let input = || Stdio::from(std::fs::File::open(&bundle).expect("a bundle"));
    let verified = run(&["verify", "-"], folder.path()).stdin(input()).output();
    assert!(verified.expect("the tool").status.success());
    let twice = run(&["verify", "-", "--policy", "-"], folder.path())
        .stdin(input())
        .output()
        .expect("the tool");
    assert_eq!(twice.status.code(), Some(2), "{}", told(&twice));
}

#[test]
fn a_picture_in_a_bundles_place_is_told_from_a_broken_bundle() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes);
    write("a.png", b"\x89PNG\r\n\x1a\n and more").expect("written");
    write("b.seedmark", b"\x89 no bundle").expect("written");
    let verdict = |name: &str| {
        let output = tool(folder.path(), &["verify", name]);
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), shown)
    };
    let (picture, broken) = (verdict("a.png"), verdict("b.seedmark"));
    assert!(picture.1.contains("a.png: is a picture"), "{}", picture.1);
    assert!(!broken.1.contains("picture"), "{}", broken.1);
    assert_eq!((picture.0, broken.0), (Some(1), Some(1)));
}

#[test]
fn an_origin_or_a_list_of_licences_that_no_log_takes_is_not_sealed() {
    let folder = tempfile::tempdir().expect("a folder");
    let Sealed { key, recipe, .. } = sealed(folder.path());
    let (key, recipe) = (key.display().to_string(), recipe.display().to_string());
    let seal = |more: &[&str]| {
        let common = [
            "seal",
            "--recipe",
            &recipe,
            "--key",
            &key,
            "--out",
            "odd.seedmark",
        ];
        let output = tool(folder.path(), &[&common[..], more].concat());
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        told(&output)
    };
    for origin in ["", "a b", "a+b", "a\nb"] {
        assert!(seal(&["--origin", origin]).contains("--origin"));
    }
    let doubled = [
        "--origin",
        "log.example",
        "--licences",
        "standard-1,standard-1",
    ];
    assert!(seal(&doubled).contains("--licences"));
    assert!(!folder.path().join("odd.seedmark").exists());
}
