//! The linter against small graphs, each outside the set in one way.

use super::*;
use crate::onnx::{
    Attribute, Dimension, GraphProto, OperatorSet, ShapeProto, TensorType, TypeProto,
};

fn input(name: &str, sides: &[i64]) -> ValueInfo {
    let dim = sides
        .iter()
        .map(|size| Dimension {
            dim_value: *size,
            ..Dimension::default()
        })
        .collect();
    let tensor_type = Some(TensorType {
        elem_type: FLOAT,
        shape: Some(ShapeProto { dim }),
    });
    ValueInfo {
        name: name.into(),
        kind: Some(TypeProto { tensor_type }),
    }
}

fn floats(name: &str, dims: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: FLOAT,
        ..TensorProto::default()
    }
}

fn node(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.into()],
        name: output.into(),
        op_type: operator.into(),
        ..NodeProto::default()
    }
}

fn with(mut node: NodeProto, name: &str, set: impl FnOnce(&mut Attribute)) -> NodeProto {
    let mut attribute = Attribute {
        name: name.into(),
        ..Attribute::default()
    };
    set(&mut attribute);
    node.attribute.push(attribute);
    node
}

/// `x` is (open, 4, 8), `y` is (open, 8, 1), `z` is (open, 8, 4); constants: `w` (8,4), `w3` (1,8,4), `k` a 3×3 kernel, `d` a depthwise one.
fn model(nodes: Vec<NodeProto>) -> ModelProto {
    ModelProto {
        graph: Some(GraphProto {
            node: nodes,
            initializer: vec![
                floats("w", &[8, 4]),
                floats("w3", &[1, 8, 4]),
                floats("k", &[4, 4, 3, 3]),
                floats("d", &[4, 1, 3, 3]),
            ],
            input: vec![
                input("x", &[0, 4, 8]),
                input("y", &[0, 8, 1]),
                input("z", &[0, 8, 4]),
                input("image", &[1, 4, 16, 16]),
            ],
            ..GraphProto::default()
        }),
        opset_import: vec![OperatorSet {
            domain: String::new(),
            version: OPSET,
        }],
        ..ModelProto::default()
    }
}

fn verdict(nodes: Vec<NodeProto>) -> Result<(), Error> {
    check("t.onnx", &model(nodes).encode_to_vec())
}

fn refused(nodes: Vec<NodeProto>) -> String {
    let error = verdict(nodes).expect_err("a graph outside the set");
    assert_eq!(error.kind(), ErrorKind::NotPortable, "{error}");
    error.to_string()
}

#[test]
fn the_embedded_models_graphs_lie_inside_the_set() {
    let crate::model::Source::Embedded(files) = crate::embedded::DEFAULT else {
        panic!("the default model is embedded")
    };
    for (name, bytes) in files.iter().filter(|(name, _)| name.ends_with(".onnx")) {
        check(name, bytes).expect(name);
    }
}

#[test]
fn measured_forms_pass() {
    let pads = |node| with(node, "pads", |a| a.ints = vec![1; 4]);
    verdict(vec![
        node("MatMul", &["x", "w"], "constant_right"),
        node("MatMul", &["x", "z"], "dynamic_both"),
        with(
            node("Transpose", &["dynamic_both"], "turned"),
            "perm",
            |a| a.ints = vec![0, 2, 1],
        ),
        node("MatMul", &["dynamic_both", "turned"], "dynamic_again"),
        pads(node("Conv", &["image", "k"], "filtered")),
        node("Exp", &["filtered"], "power"),
    ])
    .expect("a portable graph");
}

#[test]
fn operators_that_differ_are_named_with_their_node() {
    for operator in [
        "Softmax",
        "LayerNormalization",
        "ReduceSum",
        "Sin",
        "Log",
        "Reciprocal",
        "Cast",
        "If",
        "QLinearMatMul",
    ] {
        let error = refused(vec![node(operator, &["x"], "the_bad_one")]);
        assert!(
            error.contains("\"the_bad_one\"")
                && error.contains(operator)
                && error.contains("t.onnx"),
            "{error}"
        );
    }
}

#[test]
fn a_product_with_a_thin_or_unknown_side_is_refused() {
    assert!(refused(vec![node("MatMul", &["x", "y"], "thin")]).contains("N is 1"));
    let gathered = with(node("Gather", &["x", "w"], "rows"), "axis", |a| a.i = 1);
    assert!(refused(vec![node("MatMul", &["x", "w3"], "rank_3")]).contains("rank 2"));
    let squeezed = node("Squeeze", &["z"], "unknown");
    assert!(
        refused(vec![squeezed, node("MatMul", &["x", "unknown"], "m")]).contains("N is not known")
    );
    assert!(verdict(vec![gathered]).is_ok());
}

#[test]
fn a_depthwise_convolution_is_refused() {
    let depthwise = with(node("Conv", &["image", "d"], "depthwise"), "group", |a| {
        a.i = 4
    });
    let error = refused(vec![depthwise]);
    assert!(
        error.contains("depthwise") && error.contains("one channel per group"),
        "{error}"
    );
}

#[test]
fn attributes_and_forms_that_were_never_measured_are_refused() {
    let tanh = with(node("Gelu", &["x"], "g"), "approximate", |a| {
        a.s = b"tanh".to_vec()
    });
    assert!(refused(vec![tanh]).contains("tanh form"));
    let linear = with(node("Resize", &["image"], "r"), "mode", |a| {
        a.s = b"linear".to_vec()
    });
    assert!(refused(vec![linear]).contains("nearest"));
    let padded = with(node("Conv", &["image", "k"], "c"), "auto_pad", |a| {
        a.s = b"SAME_UPPER".to_vec()
    });
    assert!(refused(vec![padded]).contains("auto_pad"));
    assert!(refused(vec![node("Conv", &["image", "image"], "c")]).contains("constant"));
    assert!(refused(vec![node("Pow", &["x", "x"], "p")]).contains("exponent"));
    let odd = with(node("Add", &["x", "x"], "a"), "axis", |a| a.i = 1);
    assert!(refused(vec![odd]).contains("\"axis\""));
}

#[test]
fn foreign_operator_sets_half_weights_and_overridable_constants_are_refused() {
    let lint = |model: &ModelProto| {
        check("t.onnx", &model.encode_to_vec())
            .expect_err("refused")
            .to_string()
    };
    let mut foreign = model(vec![]);
    foreign.opset_import.push(OperatorSet {
        domain: "com.microsoft".into(),
        version: 1,
    });
    assert!(lint(&foreign).contains("com.microsoft"));
    let mut half = model(vec![]);
    half.graph.as_mut().expect("a graph").initializer[0].data_type = 10;
    assert!(lint(&half).contains("widen"));
    let mut overridable = model(vec![]);
    overridable
        .graph
        .as_mut()
        .expect("a graph")
        .input
        .push(input("w", &[8, 4]));
    assert!(lint(&overridable).contains("an input too"));
    let mut fused = node("MatMul", &["x", "w"], "m");
    fused.domain = "com.microsoft".into();
    assert!(refused(vec![fused]).contains("com.microsoft"));
}

proptest::proptest! {
    #[test]
    fn hostile_graphs_are_answered_and_never_panic(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        sides in proptest::collection::vec(proptest::prelude::any::<i64>(), 0..6),
        operator in proptest::sample::select(vec!["MatMul", "Conv", "Reshape", "Transpose", "Concat", "Gather", "DepthToSpace", "ReduceMax"]),
        number in proptest::prelude::any::<i64>(),
    ) {
        let _ = check("t.onnx", &bytes);
        let mut odd = node(operator, &["odd", "sides", "odd"], "out");
        for name in ["perm", "axes", "pads", "strides", "dilations", "axis", "blocksize", "group", "keepdims"] {
            if attributes(operator).is_some_and(|known| known.contains(&name)) {
                odd = with(odd, name, |a| { a.i = number; a.ints = sides.clone(); });
            }
        }
        let mut graph = model(vec![odd]);
        let inside = graph.graph.as_mut().expect("a graph");
        inside.input.push(input("odd", &sides));
        inside.initializer.push(TensorProto {
            name: "sides".into(), dims: sides.clone(), data_type: INT64, int64_data: sides.clone(), ..TensorProto::default()
        });
        let _ = check("t.onnx", &graph.encode_to_vec());
    }
}

#[test]
fn attention_is_the_largest_product_of_what_a_graph_makes() {
    let bytes = |nodes: Vec<NodeProto>| model(nodes).encode_to_vec();
    let of = |nodes| largest_product("graph", &bytes(nodes)).expect("portable");
    assert_eq!(of(vec![node("MatMul", &["x", "w"], "a")]), 0);
    // 4 by 4 of an open batch; what is multiplied by a constant is no attention.
    let both = vec![
        node("MatMul", &["x", "z"], "a"),
        node("MatMul", &["x", "w"], "b"),
    ];
    assert_eq!(of(both), 16);
}
