#!/usr/bin/env bash
# Measures everything on RESULTS.md: measure.sh FOLDER. Hours; a second call goes on where the first stopped.
# Needs $NEUROCODEC_DATA. Then compare.sh FOLDER keeps the results, and write.py writes RESULTS.md.
set -euo pipefail
data=${NEUROCODEC_DATA:?the folder with imagenet-val, train-pool, detection, kodak and models}
schedules=$(cd "$(dirname "$0")/schedules" && pwd)
mkdir -p "$1"
cd "$1"

classify() { # RESULTS MODEL, and options
  local results=$1 model=$2
  shift 2
  neurocodec evaluate "$data/imagenet-val" --task classification --per-image \
    --model "$data/models/$model.safetensors" -o "$results-$model.jsonl" "$@"
}

for model in mobilenet_v2_1.0_224 squeezenet1_0 mobilenet_v1_0.75_224 mcunet_144; do
  classify val $model --codec bpg,vvc --filter none,auto
  classify val $model --codec jpeg --filter none,npp:weights=npp-jpeg,npp:weights=npp-bpg
  classify val $model --codec vvc --filter npp:weights=npp-bpg
  classify val $model --codec bpg --filter npp:weights=npp-detection
  for codec in bpg jpeg jpeg2000; do
    for filter in blur scale tvl1; do
      classify val $model --codec $codec --filter "none,schedule:file=$schedules/$filter-$codec.json"
    done
  done
done
for model in mobilenet_v2_1.0_224 squeezenet1_0; do
  classify tv $model --codec bpg,jpeg --qp 31,34,37,41 --filter none,tv:weights=tv
  classify tv $model --codec jpeg2000 --qp 34,37,39,41 --filter none,tv:weights=tv
done
neurocodec evaluate "$data/detection/val2017" --task detection --codec bpg --per-image \
  --model "$data/models/yolox_nano_416.safetensors" -o detection.jsonl \
  --filter none,blur:sigma=0.5,auto,npp:weights=npp-detection
neurocodec evaluate "$data/kodak" --task fidelity --codec bpg --per-image \
  --filter none,auto -o fidelity.jsonl --lpips-weights "$data/models/lpips_alex.safetensors"
