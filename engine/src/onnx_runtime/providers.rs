//! Execution providers: what runs graphs under `native`, the CPU or something quicker.
//!
//! The one rule: one row a provider, with what to install where a library lacks it.

use crate::error::{Error, ErrorKind};
use ort::ep::{self, ExecutionProvider as _, ExecutionProviderDispatch};

macro_rules! providers {
    ($($kind:ident, $name:literal, $internal:literal, $install:literal, $($registered:ident)?;)*) => {
        /// What runs graphs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Provider {
            $(#[doc = concat!("`", $internal, "`")] $kind,)*
        }

        impl Provider {
            /// All that this program can ask for, the CPU first.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// As people call it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// As the runtime calls it.
            pub(super) fn internal(self) -> &'static str {
                match self {
                    $(Self::$kind => $internal,)*
                }
            }

            /// What to do where a library lacks it.
            pub(super) fn install(self) -> &'static str {
                match self {
                    $(Self::$kind => $install,)*
                }
            }

            /// What a session is told; nothing for the CPU, which every session has.
            pub(super) fn registration(self) -> Option<ExecutionProviderDispatch> {
                match self {
                    $(Self::$kind => registered!($($registered)?),)*
                }
            }

            fn is_offered(self) -> Result<bool, ort::Error> {
                match self {
                    $(Self::$kind => offered!($($registered)?),)*
                }
            }
        }
    };
}

macro_rules! registered {
    () => {
        None
    };
    ($registered:ident) => {
        Some(ep::$registered::default().build())
    };
}

macro_rules! offered {
    () => {
        Ok(true)
    };
    ($registered:ident) => {
        ep::$registered::is_available()
    };
}

providers! {
    Cpu, "cpu", "CPUExecutionProvider", "every library has it",;
    Cuda, "cuda", "CUDAExecutionProvider", "install `onnxruntime-gpu` of PyPI, with CUDA and cuDNN of the version that it names", CUDA;
    TensorRt, "tensorrt", "TensorrtExecutionProvider", "install `onnxruntime-gpu` of PyPI, with CUDA, cuDNN and TensorRT of the versions that it names", TensorRT;
    NvRtx, "nvrtx", "NvTensorRTRTXExecutionProvider", "install `onnxruntime-trt-rtx` of PyPI", NVRTX;
    CoreMl, "coreml", "CoreMLExecutionProvider", "install `onnxruntime` of PyPI on a Mac", CoreML;
    DirectMl, "directml", "DmlExecutionProvider", "install `onnxruntime-directml` of PyPI on Windows", DirectML;
    OpenVino, "openvino", "OpenVINOExecutionProvider", "install `onnxruntime-openvino` of PyPI", OpenVINO;
    OneDnn, "onednn", "DnnlExecutionProvider", "build ONNX Runtime with `--use_dnnl`", OneDNN;
    Cann, "cann", "CANNExecutionProvider", "install `onnxruntime-cann` of PyPI, with Ascend's toolkit", CANN;
    Rocm, "rocm", "ROCMExecutionProvider", "install `onnxruntime-rocm` of PyPI, with ROCm", ROCm;
    MiGraphX, "migraphx", "MIGraphXExecutionProvider", "install `onnxruntime-migraphx` of PyPI, with ROCm", MIGraphX;
    WebGpu, "webgpu", "WebGpuExecutionProvider", "install `onnxruntime-webgpu` of PyPI", WebGPU;
    Qnn, "qnn", "QNNExecutionProvider", "install `onnxruntime-qnn` of PyPI", QNN;
    Xnnpack, "xnnpack", "XnnpackExecutionProvider", "build ONNX Runtime with `--use_xnnpack`", XNNPACK;
    Vitis, "vitis", "VitisAIExecutionProvider", "install AMD's Ryzen AI or Vitis AI software, whose library has it", Vitis;
    Acl, "acl", "ACLExecutionProvider", "build ONNX Runtime with `--use_acl`", ACL;
}

impl Provider {
    /// Reads a name.
    ///
    /// # Errors
    /// `ErrorKind::NotOffered`, listing the names.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let named = Self::ALL.iter().find(|one| one.name() == text);
        named.copied().ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|one| one.name()).collect();
            let message = format!(
                "{text:?} is no execution provider; known are {}",
                names.join(", ")
            );
            Error::new(ErrorKind::NotOffered, message)
        })
    }

    /// Those that the loaded library has.
    pub(super) fn offered() -> Result<Vec<Self>, Error> {
        let mut offered = Vec::new();
        for one in Self::ALL {
            let has = one.is_offered().map_err(|error| {
                let message = format!("the library does not say what it has: {error}");
                Error::new(ErrorKind::Runtime, message)
            })?;
            if has {
                offered.push(*one);
            }
        }
        Ok(offered)
    }
}
