//! Models and the runtime that makes pictures with them.

/// The embedded model under another name, and so under another digest, in a folder of its own.
pub(crate) fn second_model(folder: &std::path::Path) {
    let engine::model::Source::Embedded(files) = engine::embedded::DEFAULT else {
        unreachable!("the usual model is inside the program")
    };
    std::fs::create_dir_all(folder).expect("a folder");
    for (name, bytes) in files {
        let mut bytes = bytes.to_vec();
        if *name == engine::model::MANIFEST {
            let mut manifest: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
            manifest["name"] = "Another".into();
            manifest["version"] = "1.0".into();
            bytes = schema::canonical::to_bytes(&manifest, "model.json").expect("canonical");
        }
        std::fs::write(folder.join(name), bytes).expect("a file");
    }
}

/// The ONNX Runtime library.
pub(crate) fn runtime() -> std::path::PathBuf {
    let path = std::env::var_os("ORT_DYLIB_PATH");
    path.expect("ORT_DYLIB_PATH: cargo xtask test sets it")
        .into()
}
