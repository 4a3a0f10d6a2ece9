#!/usr/bin/env bash
# Keeps what RESULTS.md is written from: compare.sh FOLDER reads the results of measure.sh there, and writes
# the .jsonl files beside this script: points of unfiltered codecs, and what bdrate --json prints.
set -euo pipefail
from=$(cd "$1" && pwd)
cd "$(dirname "$0")"
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT

compare() { # KEPT RESULTS ANCHOR TEST METRIC, and options
  local kept=$1 results=$2 anchor=$3 test=$4 metric=$5
  shift 5
  [ -f "$results" ] || return 0 # what was not measured anew stays as it is
  local bdrate=(neurocodec bdrate "$results" --anchor "$anchor" --test "$test" --metric "$metric" --json "$@")
  # Where too many replicates share too little, there is a number without an interval.
  "${bdrate[@]}" >>"$new/$kept.jsonl" || "${bdrate[@]}" --bootstrap 0 >>"$new/$kept.jsonl" ||
    echo "compare.sh: $results: no $metric of $test" >&2
}

schedule() { # NAME: the filter as the results call it
  grep -o "schedule:file=[^\"]*/$1.json" "$results" | head -n 1 || echo "schedule:file=$1.json"
}

for model in mobilenet_v2_1.0_224 squeezenet1_0 mobilenet_v1_0.75_224 mcunet_144; do
  results=$from/val-$model.jsonl
  [ -f "$results" ] || continue
  grep '"kind": "point"' "$results" | grep '"pre": "none"' >>"$new/points.jsonl"
  for codec in jpeg jpeg2000 vvc; do
    compare codecs "$results" codec=bpg,pre=none codec=$codec,pre=none kl --across-codecs
  done
  for metric in kl top1; do
    for codec in bpg jpeg jpeg2000; do
      for filter in blur scale tvl1; do
        compare $filter "$results" codec=$codec,pre=none \
          "codec=$codec,pre=$(schedule $filter-$codec)" $metric
      done
    done
  done
  compare over-blur "$results" "codec=bpg,pre=$(schedule blur-bpg)" codec=bpg,pre=npp:weights=npp-bpg kl
done
for metric in psnr_db ms_ssim fsim lpips; do
  compare fidelity "$from/fidelity.jsonl" pre=none pre=auto $metric
done
compare fidelity-squeeze "$from/fidelity-squeeze.jsonl" pre=none pre=auto lpips

searches() { # RESULTS CODEC: the filters that were searched, as the results call them
  grep '"kind": "point"' "$1" | grep "\"codec\": \"$2\"" | grep -o '"pre": "search[^"]*"' |
    sed 's/"pre": "//; s/"$//' | sort -u
}

for results in "$from"/search-*net*.jsonl; do
  [ -f "$results" ] || continue
  for codec in bpg vvc jpeg jpeg2000; do
    for filter in $(searches "$results" $codec); do
      for metric in kl top1; do
        compare search "$results" codec=$codec,pre=none "codec=$codec,pre=$filter" $metric
      done
    done
  done
done
for results in "$from"/settings-*.jsonl; do
  [ -f "$results" ] || continue
  for filter in $(searches "$results" bpg); do
    compare search-settings "$results" codec=bpg,pre=none "codec=bpg,pre=$filter" kl
  done
done
if [ -f "$from/search-detection.jsonl" ]; then
  for filter in $(searches "$from/search-detection.jsonl" bpg); do
    compare search-detection "$from/search-detection.jsonl" codec=bpg,pre=none \
      "codec=bpg,pre=$filter" agreement --bootstrap 200
  done
fi
if [ -f "$from/search-fidelity.jsonl" ]; then
  grep '"kind": "point"' "$from/search-fidelity.jsonl" >"$new/search-fidelity.jsonl"
fi
at_equal_rate() { # KEPT RESULTS MODEL BPP METRICS ANCHORS TEST, and options
  local kept=$1 results=$2 model=$3 bpp=$4 metric anchor one
  [ -f "$results" ] || return 0
  one=$new/one-model.tmp
  grep "\"model\": \"$model\"" "$results" >"$one" || return 0
  for metric in $5; do
    for anchor in $6; do
      compare "$kept" "$one" "codec=$anchor,pre=none" "codec=$7,pre=none" $metric --at-bpp $bpp --across-codecs "${@:8}"
    done
  done
}

classifiers="efficientnet_lite0_224 mobilenet_v2_1.0_224 mobilenet_v2_0.5_224 squeezenet1_0 squeezenet1_1"
classifiers+=" mobilenet_v1_0.75_224 mobilenet_v1_0.5_160 mcunet_144 tiny_darknet_224"
dic=dic:weights=dic
fric=dic:weights=fric
without_mmd=dic:weights=dic-no-mmd.safetensors
for bpp in 0.25 0.5; do
  for model in $classifiers; do
    at_equal_rate dic "$from/dic.jsonl" $model $bpp "kl top1" "$fric $without_mmd jpeg bpg" $dic
    at_equal_rate dic "$from/dic.jsonl" $model $bpp "kl top1" $fric $without_mmd
  done
  at_equal_rate dic-likeness "$from/dic-likeness.jsonl" none $bpp "psnr_db ms_ssim" "$fric $without_mmd jpeg bpg" $dic
done
at_equal_rate dic-detection "$from/dic-detection.jsonl" yolox_nano_416 0.5 "map agreement" "$fric jpeg bpg" $dic --bootstrap 200
for bpp in 0.1 0.112 0.143 0.2 0.3; do
  at_equal_rate spic "$from/spic.jsonl" efficientnet_lite0 $bpp "kl top1" "jpeg bpg" spic:latents=1
done
points() { # KEPT RESULTS CODEC MODEL: of one model, as all of them see the same files
  [ ! -f "$2" ] || grep '"kind": "point"' "$2" | grep "\"codec\": \"$3" | grep "\"model\": \"$4\"" >"$new/$1.jsonl"
}
if [ -f "$from/spic.jsonl" ]; then
  grep '"kind": "point"' "$from/spic.jsonl" | grep -v '"codec": "spic' >"$new/anchors.jsonl"
fi
points dic-points "$from/dic.jsonl" dic mcunet_144
points spic-points "$from/spic.jsonl" spic efficientnet_lite0
[ ! -f "$from/spic-likeness.jsonl" ] || grep '"kind": "point"' "$from/spic-likeness.jsonl" >"$new/spic-likeness.jsonl"
each_model() { # KEPT RESULTS CODECS FILTERS METRICS, and options: against no filter, by every model of the results
  local kept=$1 results=$2 codec filter metric model one=$new/one-model.tmp
  [ -f "$results" ] || return 0
  for model in $(grep -o '"model": "[^"]*"' "$results" | sort -u | cut -d'"' -f4); do
    grep "\"model\": \"$model\"" "$results" >"$one"
    for codec in $3; do
      for filter in $4; do
        for metric in $5; do
          grep -q "\"codec\": \"$codec\".*\"pre\": \"$filter\"" "$one" || continue
          compare "$kept" "$one" "codec=$codec,pre=none" "codec=$codec,pre=$filter" $metric "${@:6}"
        done
      done
    done
  done
}

blur=schedules/blur-bpg.json
for codec in bpg vvc jpeg jpeg2000 webp avif jxl heic; do
  each_model auto-$codec "$from/auto-$codec.jsonl" $codec "auto npp:weights=npp-jpeg npp:weights=auto-bpg" "kl top1"
done
for codec in jpeg jpeg2000 bpg; do
  each_model tv-lambda "$from/tv-lambda.jsonl" $codec "schedule:file=schedules/tv-$codec.json" "top1 kl"
done
compare proxy "$from/proxy.jsonl" codec=bpg codec=mbt2018:weights=proxy-bpg-41 psnr_db --across-codecs
[ ! -f "$from/proxy.jsonl" ] || grep '"kind": "point"' "$from/proxy.jsonl" >"$new/proxy-points.jsonl"
each_model proxy-filters "$from/proxy-filters.jsonl" bpg \
  "npp:weights=swapped/npp.safetensors npp:weights=alone/npp.safetensors" "kl top1"
each_model palacio "$from/palacio.jsonl" bpg segnet:weights=segnet.safetensors "top1 kl"
trained="npp:weights=npp-detection npp:weights=npp-segmentation npp:weights=npp-pose"
for results in "$from"/task-*_*.jsonl; do
  [ -f "$results" ] || continue
  kept=tasks
  metrics=agreement
  case $results in
    *task-search*)
      kept=task-search
      grep '"kind": "point"' "$results" | grep '"pre": "\(none\|search\)' >>"$new/task-search-points.jsonl"
      ;;
    *mobilenet*) metrics=kl ;;
    *) grep '"kind": "point"' "$results" | grep -v '"pre": "npp:' >>"$new/task-points.jsonl" ;;
  esac
  for codec in bpg vvc; do
    each_model $kept "$results" $codec "auto schedule:file=$blur $trained $(searches "$results" $codec)" $metrics --bootstrap 200
  done
done
each_model finetuned "$from/finetuned.jsonl" bpg "auto npp:weights=npp-tuned/npp.safetensors" "kl top1"
if [ -f "$from/formats.jsonl" ]; then
  for model in $classifiers; do
    grep "\"model\": \"$model\"" "$from/formats.jsonl" >"$new/one-model.tmp"
    for codec in webp avif jxl heic; do
      compare formats "$new/one-model.tmp" codec=bpg,pre=none codec=$codec,pre=none kl --across-codecs
    done
  done
fi
[ ! -f "$from/originals.jsonl" ] || cp "$from/originals.jsonl" "$new"
mv "$new"/*.jsonl .
