#!/usr/bin/env bash
# Measures everything on RESULTS.md: measure.sh FOLDER. Hours; a second call goes on where the first stopped.
# Needs $NEUROCODEC_DATA. Then compare.sh FOLDER keeps the results, and write.py writes RESULTS.md.
set -euo pipefail
data=$(realpath "${NEUROCODEC_DATA:?the folder with imagenet-val, train-pool, detection, kodak and models}")
schedules=$(cd "$(dirname "$0")/schedules" && pwd)
mkdir -p "$1"
cd "$1"
ln -sfn "$data" data # so that results name recognisers by the same paths everywhere
ln -sfn "$schedules" schedules
data=data

classify() { # RESULTS MODEL, and options
  local results=$1 model=$2
  shift 2
  neurocodec evaluate "$data/imagenet-val" --task classification --per-image \
    --model "$data/models/$model.safetensors" -o "$results-$model.jsonl" "$@"
}

# Pictures of a search: two of every five of imagenet-val, and 24 of the pool that are 224×224.
select_pictures() { # FOLDER TO FILES
  mkdir -p "$2"
  for file in $3; do cp "$1/$file" "$2"; done
}
labels=$data/imagenet-val/labels.csv
[ -d fifths ] || {
  select_pictures "$data/imagenet-val" fifths "$(awk -F, 'NR % 5 == 2 || NR % 5 == 4 { print $1 }' "$labels")"
  awk 'NR == 1 || NR % 5 == 2 || NR % 5 == 4' "$labels" >fifths/labels.csv
}
[ -d pool ] || select_pictures "$data/train-pool" pool \
  "$(awk -F, '/^b\/.*,nette,.*,224,224/ && n++ % 15 == 5 && n < 366 { print $1 }' "$data/train-pool/index.csv")"

search() { # RESULTS MODEL FOLDER, and options
  local results=$1 model=$2 folder=$3
  shift 3
  case $model in efficientnet_lite?) ;; *) model=$data/models/$model.safetensors ;; esac
  neurocodec evaluate "$folder" --task classification --per-image --model "$model" --qp 28,32,36,41 \
    -o "$results-$(basename "$model" .safetensors).jsonl" "$@"
}

jury=efficientnet_lite0+efficientnet_lite1+efficientnet_lite2
v2=$data/models/mobilenet_v2_1.0_224.safetensors
s0=$data/models/squeezenet1_0.safetensors
s1=$data/models/squeezenet1_1.safetensors
former=search:steps=6:grid=7:drawn=1 # the default before
for model in ${jury//+/ } mobilenet_v2_1.0_224 squeezenet1_0 mobilenet_v1_0.75_224 mcunet_144; do
  search search $model fifths --codec bpg --filter none,search
  search search-half $model fifths --limit 100 --codec bpg,vvc,jpeg --filter none,search
  search search-half $model fifths --limit 100 --codec jpeg --filter search:tables=1,$former:tables=1
  search search-half $model fifths --limit 100 --codec bpg,vvc,jpeg,jpeg2000 --filter none,$former
  search search-half $model fifths --limit 100 --codec bpg --filter "$former:model=$jury+$v2"
done
settings=none,search,$former,search:steps=4:grid=7:drawn=1,search:steps=8:grid=7:drawn=1
settings+=,search:steps=16:grid=7:drawn=1,search:steps=6:grid=14:drawn=1,search:steps=6:grid=28:drawn=1
settings+=,search:steps=6:grid=7:drawn=0,$former:every=3,$former:start=none,$former:residual=1
settings+=,$former:model=efficientnet_lite0
settings+=,search:steps=12:grid=7:drawn=1:model=$jury+$v2+$s0+$s1
for model in ${jury//+/ } mobilenet_v2_1.0_224 mobilenet_v2_0.5_224 squeezenet1_0 mobilenet_v1_0.5_160; do
  search settings $model pool --codec bpg --filter $settings
done
yolox=$data/models/yolox_nano_416.safetensors
neurocodec evaluate "$data/detection/val2017" --task detection --codec bpg --per-image --model "$yolox" \
  --limit 24 --qp 28,32,36,41 -o search-detection.jsonl --filter "none,$former,$former:task=detection:model=$yolox:start=none"
search search-fifty efficientnet_lite0 fifths --limit 50 --codec bpg --filter "none,$former,$former:task=detection:model=$yolox:start=none"
neurocodec evaluate "$data/kodak" --task fidelity --codec bpg --per-image --filter none,search \
  --qp 28,32,36,41 -o search-fidelity.jsonl --lpips-weights "$data/models/lpips_alex.safetensors"

for model in mobilenet_v2_1.0_224 squeezenet1_0 mobilenet_v1_0.75_224 mcunet_144; do
  classify val $model --codec bpg,jpeg,vvc --filter none,npp:weights=npp-bpg
  classify val $model --codec vvc --filter npp:weights=npp-vvc
  classify val $model --codec bpg --filter npp:weights=npp-detection
  for codec in bpg jpeg jpeg2000; do
    for filter in blur scale tvl1; do
      classify val $model --codec $codec --filter "none,schedule:file=$schedules/$filter-$codec.json"
    done
  done
done
for results in fidelity fidelity-squeeze; do
  case $results in *squeeze) network=squeeze ;; *) network=alex ;; esac
  neurocodec evaluate "$data/kodak" --task fidelity --codec bpg --per-image \
    --filter none,auto -o $results.jsonl --lpips-weights "$data/models/lpips_$network.safetensors"
done

# The learned codecs, on the pictures of the searches. DIC without MMD is not shipped: train it by the recipe
# dic:3 with --gamma 0, as dic-no-mmd.safetensors here.
nine=()
for model in efficientnet_lite0_224 mobilenet_v2_1.0_224 mobilenet_v2_0.5_224 squeezenet1_0 squeezenet1_1 \
  mobilenet_v1_0.75_224 mobilenet_v1_0.5_160 mcunet_144 tiny_darknet_224; do
  nine+=(--model "$data/models/$model.safetensors")
done
learned=dic:weights=dic,dic:weights=fric
[ ! -f dic-no-mmd.safetensors ] || learned+=,dic:weights=dic-no-mmd.safetensors
recognised=(evaluate fifths --task classification --per-image "${nine[@]}")
neurocodec "${recognised[@]}" -o dic.jsonl --codec $learned --iterations 2,3,5,6
neurocodec "${recognised[@]}" -o dic.jsonl --codec bpg --qp 34,37,41,45
neurocodec "${recognised[@]}" -o dic.jsonl --codec jpeg --quality 3,8,20,40
likeness=(evaluate fifths --task fidelity --per-image --limit 40 -o dic-likeness.jsonl)
neurocodec "${likeness[@]}" --codec $learned --iterations 2,3,5,6
neurocodec "${likeness[@]}" --codec bpg --qp 34,37,41,45
neurocodec "${likeness[@]}" --codec jpeg --quality 3,8,20,40
recognised+=(--model efficientnet_lite0 -o spic.jsonl)
neurocodec evaluate fifths --task classification --per-image --model efficientnet_lite0 -o spic.jsonl \
  --codec spic:latents=1 --qf 8,12,16,24,32,48,64,96,128
neurocodec "${recognised[@]}" --codec bpg --qp 34,37,41,45,48,51
neurocodec "${recognised[@]}" --codec jpeg --quality 1,3,8,12,20,40
detected=(evaluate "$data/detection/val2017" --task detection --per-image --limit 12 -o dic-detection.jsonl --model "$yolox")
neurocodec "${detected[@]}" --codec dic:weights=dic,dic:weights=fric --iterations 5,6
neurocodec "${detected[@]}" --codec bpg --qp 31,34,37,41
neurocodec "${detected[@]}" --codec jpeg --quality 8,20,40
for level in "spic --qf 16,48,128" "jpeg --quality 1,3,8"; do
  neurocodec evaluate "$data/kodak" --task fidelity --limit 12 -o spic-likeness.jsonl --codec $level
done

# The default filters before nine classifiers, on the 200 pictures of the searches.
neurocodec evaluate fifths --task classification --per-image "${nine[@]}" -o auto-bpg.jsonl \
  --codec bpg --filter none,auto
neurocodec evaluate fifths --task classification --per-image "${nine[@]}" -o auto-vvc.jsonl \
  --codec vvc --filter none,auto
neurocodec evaluate fifths --task classification --per-image "${nine[@]}" -o auto-jpeg.jsonl \
  --codec jpeg --filter none,npp:weights=npp-jpeg,npp:weights=auto-bpg
for codec in jpeg2000 webp avif jxl heic; do
  neurocodec evaluate fifths --task classification --per-image "${nine[@]}" -o auto-$codec.jsonl \
    --codec $codec --filter none,npp:weights=auto-bpg --limit 100
done
neurocodec evaluate fifths --task classification --per-image "${nine[@]}" -o formats.jsonl \
  --codec bpg,webp,avif,jxl,heic --filter none

for model in mobilenet_v2_1.0_224 squeezenet1_0; do
  classify tv $model --codec bpg,jpeg --qp 31,34,37,41 --filter none,tv:weights=tv
  classify tv $model --codec jpeg2000 --qp 34,37,39,41 --filter none,tv:weights=tv
done

for codec in "jpeg 31,34,37,41" "jpeg2000 34,37,39,41" "bpg 31,34,37,41"; do
  neurocodec evaluate fifths --task classification --per-image -o tv-lambda.jsonl --codec ${codec% *} --model "$v2" \
    --model "$s0" --model "$data/models/mobilenet_v1_0.75_224.safetensors" --model "$data/models/mcunet_144.safetensors" \
    --qp ${codec#* } --filter none,schedule:file=schedules/tv-${codec% *}.json
done

# A proxy as a codec, which needs compressai, and filters that were trained through it by the recipe npp-through-proxy, in swapped/
# here and, with --no-swap, in alone/.
likeness=(evaluate fifths --task fidelity --per-image --limit 100 -o proxy.jsonl)
neurocodec "${likeness[@]}" --codec bpg --qp 37,39,41,43,45,48
neurocodec "${likeness[@]}" --codec mbt2018:weights=proxy-bpg-41 --qp 39,40,41,42,43
if [ -d swapped ] && [ -d alone ]; then
  measured=(evaluate fifths --task classification --per-image --model "$v2" --model "$s0" --codec bpg -o proxy-filters.jsonl)
  neurocodec "${measured[@]}" --qp 37,39,40,41,42,43,45 --filter none
  neurocodec "${measured[@]}" --qp 39,40,41,42,43 \
    --filter npp:weights=swapped/npp.safetensors,npp:weights=alone/npp.safetensors
fi

# Palacio+, where the recipe palacio made segnet.safetensors here; it is too large to ship.
if [ -f segnet.safetensors ]; then
  neurocodec evaluate fifths --task classification --per-image --codec bpg --qp 28,31,34,37,41,45,48,51 --limit 60 \
    --model "$v2" --model "$s0" --filter none,segnet:weights=segnet.safetensors -o palacio.jsonl
fi

# A fine-tuned recogniser, where the two commands of TRAINING.md made one in tuned/ and npp-tuned/ here.
if [ -d tuned ]; then
  neurocodec evaluate fifths --task classification --per-image --codec bpg --model tuned/recogniser.safetensors \
    --filter none,auto,npp:weights=npp-tuned/npp.safetensors -o finetuned.jsonl
fi

# Other tasks: filters trained for each of them, and searches by them. Those for segmentation and pose are not shipped: train
# them by the recipes npp-segmentation and npp-pose, and install them by `weights add FILE NAME`.
filters=none,auto,schedule:file=schedules/blur-bpg.json
trained=npp:weights=npp-detection,npp:weights=npp-segmentation,npp:weights=npp-pose
other() { # TASK MODEL FOLDER
  local measured=(evaluate "$3" --task $1 --per-image --model "$data/models/$2.safetensors" --qp 28,32,36,41)
  neurocodec "${measured[@]}" -o task-$2.jsonl --codec bpg --limit 20 --filter $filters,$trained
  neurocodec "${measured[@]}" -o task-$2.jsonl --codec vvc --limit 20 --filter $filters
}
searched() { # CODEC LIMIT TASK MODEL FOLDER; unfiltered at QP 22 too, as searched pictures score like those
  local measured=(evaluate "$5" --task $3 --per-image --model "$data/models/$4.safetensors" --codec $1 --limit $2)
  measured+=(-o task-search-$1-$4.jsonl)
  neurocodec "${measured[@]}" --qp 22,28,32,36,41 --filter none
  neurocodec "${measured[@]}" --qp 28,32,36,41 --filter "auto,schedule:file=schedules/blur-bpg.json"
  neurocodec "${measured[@]}" --qp 28,32,36,41 --filter "search:task=$3:model=$data/models/$4.safetensors"
}
other detection yolox_nano_416 "$data/detection/val2017"
other segmentation deeplabv3_mnv2_513 "$data/segmentation-pose"
other pose ultralight_simplepose "$data/detection/val2017"
for codec in "bpg 20" "vvc 10"; do
  searched $codec segmentation deeplabv3_mnv2_513 "$data/segmentation-pose"
  searched $codec pose ultralight_simplepose "$data/detection/val2017"
done
searched bpg 20 detection yolox_nano_416 "$data/detection/val2017"
neurocodec evaluate fifths --task classification --per-image -o task-mobilenet_v1_0.75_224.jsonl --qp 28,32,36,41 --limit 100 \
  --model "$data/models/mobilenet_v1_0.75_224.safetensors" --codec bpg --filter $filters,$trained

python "$(dirname "$schedules")/originals.py" fifths "$data"/models/*.safetensors >originals.jsonl
