// Writes pictures with stable-diffusion.cpp's own code: get_image_params and write_image_to_file. make.py builds and runs it.
#include <cstring>
#include <iostream>
#include "common.h"
#include "media_io.h"

extern "C" {
const char* sd_version() { return "test"; }
const char* sd_commit() { return "test"; }
void sd_img_gen_params_init(sd_img_gen_params_t*) {}
void sd_vid_gen_params_init(sd_vid_gen_params_t*) {}
}

int main(int, char** arguments) {
    const std::string folder = arguments[1];
    SDContextParams context;
    SDGenerationParams params;
    const std::vector<unsigned char> pixels(8 * 8 * 3, 120);
    const auto text = [&]() { return get_image_params(context, params, params.seed, IMG_GEN); };
    const auto write = [&](const char* name) { return write_image_to_file(folder + name, pixels.data(), 8, 8, 3, text(), 90); };

    context.model_path = "/models/v1-5-pruned.safetensors";
    context.rng_type = CPU_RNG;
    params.prompt = "ein Café, \"quoted\": 狐狸 🦊\nSteps: 3, Seed: 4, Size: 5x6";
    params.prompt_with_lora = params.prompt + "<lora:fuchs:0.8>";
    params.negative_prompt = "blurry: very";
    params.lora_map["loras/fuchs.safetensors"] = 0.8f;
    params.width = params.height = 8;
    params.seed = 1234567890123;
    params.clip_skip = 2;
    params.sample_params.sample_steps = 12;
    params.sample_params.sample_method = EULER_A_SAMPLE_METHOD;
    params.sample_params.scheduler = KARRAS_SCHEDULER;
    params.sample_params.guidance.txt_cfg = 7.5f;
    bool all = write("/sd_cpp.png") && write("/sd_cpp.jpg");
    // Its WebP needs libwebp's muxer; make.py puts this text into the same packet.
    std::cout << text();

    context.rng_type = CUDA_RNG;
    params.prompt = params.prompt_with_lora = "a fox";
    params.negative_prompt = "";
    params.lora_map.clear();
    params.seed = 42;
    params.clip_skip = -1;
    params.custom_sigmas = {14.6f, 3.2f, 0.f};
    params.sample_params.guidance.slg.scale = 2.5f;
    params.hires_enabled = true;
    all = all && write("/sd_cpp_hires.png");
    return all ? 0 : 1;
}
