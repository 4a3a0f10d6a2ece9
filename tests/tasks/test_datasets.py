"""Reading data: every layout, and one clear line for every fault."""

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from neurocodec import images
from neurocodec.errors import BadInputError, UsageError
from neurocodec.tasks import datasets
from neurocodec.tasks.ground_truth import COCO_CLASSES, VOID, Mask, class_ids
from neurocodec.tasks.outlines import Outlines
from tests.conftest import picture


def put_pictures(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(images.png(picture(8, 6)))


def names_of(found: datasets.DataSet) -> list[str]:
    return [p.name for p in found.pictures]


def coco(**changes: object) -> dict[str, object]:
    content: dict[str, object] = {
        "images": [{"id": 7, "file_name": "b.png"}, {"id": 3, "file_name": "a.png"}],
        "categories": [{"id": 18, "name": "dog"}, {"id": 1, "name": "person"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 18, "bbox": [1, 2, 3, 4], "iscrowd": 1},
            {"id": 2, "image_id": 7, "category_id": 1, "bbox": [0, 0, 5, 5], "area": 9.5},
        ],
    }
    return {**content, **changes}


VOC_XML = """<annotation><filename>x.png</filename>
<object><name>{name}</name><difficult>{difficult}</difficult>
<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>5</xmax><ymax>6</ymax></bndbox></object>
</annotation>"""


def test_labels_csv_in_name_order_with_a_limit(tmp_path: Path) -> None:
    put_pictures(tmp_path, "c.png", "a.png", "sub/b.png")
    (tmp_path / "labels.csv").write_text(
        "file,class_index,word\nc.png,4,x\na.png,0,y\nsub/b.png,2,z"
    )
    found = datasets.read(tmp_path, "classification")
    assert found.layout == "labels.csv"
    assert [(p.name, p.ground_truth) for p in found.pictures] == [
        ("a.png", 0),
        ("c.png", 4),
        ("sub/b.png", 2),
    ]
    assert found.pictures[2].path == tmp_path / "sub/b.png"
    assert names_of(datasets.read(tmp_path, "classification", limit=2)) == ["a.png", "c.png"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("file,class_index\na.png,0\nb.png,1", r"labels\.csv:3: there is no picture .*b\.png"),
        ("file,class_index\na.png,cat", r"labels\.csv:2: class_index must be a whole .* 'cat'"),
        ("file,class_index\na.png,-1", r"labels\.csv:2: class_index"),
        ("file,class_index\na.png,1\x1d", r"labels\.csv:2: class_index"),
        ("file,class_index\na.png," + "1" * 5000, r"labels\.csv:2: class_index"),
        ("file,label\na.png,1", r"labels\.csv:2: needs the columns file and class_index"),
        ("file,class_index\na.png,1\na.png,2", r"labels\.csv:3: a\.png is listed twice"),
        ('file,class_index\n"a.png,1\n', r"labels\.csv: cannot be read as CSV"),
        ("file,class_index\n", "holds no pictures"),
    ],
)
def test_faulty_labels(tmp_path: Path, table: str, message: str) -> None:
    put_pictures(tmp_path, "a.png")
    (tmp_path / "labels.csv").write_text(table)
    with pytest.raises(BadInputError, match=message):
        datasets.read(tmp_path, "classification")


def test_a_name_that_leads_outside_the_folder_is_refused(tmp_path: Path) -> None:
    put_pictures(tmp_path, "out.png", "d/sub/a.png")
    data = tmp_path / "d"
    for name in ("../out.png", str(tmp_path / "out.png"), "sub/../../out.png"):
        (data / "labels.csv").write_text(f"file,class_index\n{name},0")
        with pytest.raises(BadInputError, match="outside"):
            datasets.read(data, "classification")
    (data / "labels.csv").write_text("file,class_index\nsub/../sub/a.png,0")
    assert len(datasets.read(data, "classification").pictures) == 1
    annotations = tmp_path / "d" / "a.json"
    listed = [{"id": 7, "file_name": "../out.png"}]
    annotations.write_text(json.dumps(coco(images=listed)))
    with pytest.raises(BadInputError, match="outside"):
        datasets.read(annotations, "detection")


def test_labels_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"file,class_index\n\xff\xfe,1\n")
    with pytest.raises(BadInputError, match="cannot be read as CSV"):
        datasets.read(tmp_path, "classification")


def test_class_folders_count_their_sorted_names(tmp_path: Path) -> None:
    put_pictures(tmp_path, "zebra/1.png", "ant/2.png", "ant/1.png", "bee/9.png")
    found = datasets.read(tmp_path, "classification")
    assert found.layout == "class folders"
    assert [(p.name, p.ground_truth) for p in found.pictures] == [
        ("ant/1.png", 0),
        ("ant/2.png", 0),
        ("bee/9.png", 1),
        ("zebra/1.png", 2),
    ]


@pytest.mark.parametrize(
    "names",
    [["b.png", "a.png"], ["x/a.png", "x/b.png"], ["x/a.png", "b.png"], ["x/y/a.png", "z/b.png"]],
)
def test_other_folders_are_without_labels(tmp_path: Path, names: list[str]) -> None:
    put_pictures(tmp_path, *names)
    (tmp_path / "notes.txt").write_text("no picture")
    found = datasets.read(tmp_path, "classification")
    assert found.layout == "no labels"
    assert names_of(found) == sorted(names)
    assert {p.ground_truth for p in found.pictures} == {None}


@pytest.mark.parametrize(
    "hidden",
    [".ipynb_checkpoints/1.png", "__MACOSX/1.png", "ant/._1.png", ".DS_Store", "Thumbs.db"],
)
def test_hidden_entries_are_left_out(tmp_path: Path, hidden: str) -> None:
    put_pictures(tmp_path, "zebra/1.png", "ant/1.png", hidden)
    found = datasets.read(tmp_path, "classification")
    assert [(p.name, p.ground_truth) for p in found.pictures] == [
        ("ant/1.png", 0),
        ("zebra/1.png", 1),
    ]
    assert found.class_names == {0: "ant", 1: "zebra"}
    assert names_of(datasets.read(tmp_path, "pose")) == ["ant/1.png", "zebra/1.png"]


def test_an_empty_class_folder_keeps_its_number(tmp_path: Path) -> None:
    put_pictures(tmp_path, "ant/1.png", "zebra/1.png")
    (tmp_path / "bee").mkdir()
    (tmp_path / "bee/.gitkeep").touch()
    found = datasets.read(tmp_path, "classification")
    assert [p.ground_truth for p in found.pictures] == [0, 2]
    assert found.class_names == {0: "ant", 1: "bee", 2: "zebra"}


def test_other_files_among_class_folders_are_refused_by_name(tmp_path: Path) -> None:
    put_pictures(tmp_path, "ant/1.png", "zebra/1.png")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/train.txt").touch()
    with pytest.raises(BadInputError, match="lists: holds no picture"):
        datasets.read(tmp_path, "classification")
    assert datasets.read(tmp_path, "pose").layout == "no labels"


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    put_pictures(tmp_path, "data/ant/1.png", "elsewhere/2.png")
    (tmp_path / "data/bee").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/again").symlink_to(tmp_path / "data")
    (tmp_path / "data/ant/self").symlink_to(tmp_path / "data/ant")
    found = datasets.read(tmp_path / "data", "classification")
    assert [(p.name, p.ground_truth) for p in found.pictures] == [
        ("ant/1.png", 0),
        ("bee/2.png", 1),
    ]


def test_class_names_of_labels_csv(tmp_path: Path) -> None:
    put_pictures(tmp_path, "a.png", "b.png")
    rows = "file,class_index,wnid,label\na.png,7,n01440764,tench\nb.png,9,n01443537,\n"
    (tmp_path / "labels.csv").write_text(rows)
    found = datasets.read(tmp_path, "classification")
    assert found.class_names == {7: "tench", 9: "n01443537"}


def test_labels_of_another_task_are_left_out(tmp_path: Path) -> None:
    put_pictures(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "labels.csv").write_text("file,class_index\na/1.png,0")
    found = datasets.read(tmp_path, "detection")
    assert found.layout == "no labels" and names_of(found) == ["a/1.png", "b/2.png"]


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such folder"):
        datasets.read(tmp_path / "gone", "classification")
    with pytest.raises(BadInputError, match="holds no pictures"):
        datasets.read(tmp_path, "classification")
    (tmp_path / "one.txt").write_text("")
    with pytest.raises(BadInputError, match="no folder and no COCO"):
        datasets.read(tmp_path / "one.txt", "classification")


@pytest.mark.parametrize(
    ("annotations", "pictures", "asked"),
    [
        ("instances_val.json", "val/", "val"),
        ("instances_val.json", "val/", "instances_val.json"),
        ("annotations/instances_val.json", "val/", "val"),
        ("annotations/instances_val.json", "val/", "annotations/instances_val.json"),
        ("annotations/instances_val.json", "images/val/", "annotations/instances_val.json"),
        ("set/instances.json", "set/", "set"),
        ("set/annotations/instances_x.json", "set/", "set"),
        ("mine.json", "", "mine.json"),
    ],
)
def test_coco_is_found_where_people_keep_it(
    tmp_path: Path, annotations: str, pictures: str, asked: str
) -> None:
    put_pictures(tmp_path, f"{pictures}a.png", f"{pictures}b.png")
    (tmp_path / annotations).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / annotations).write_text(json.dumps(coco()))
    found = datasets.read(tmp_path / asked, "detection")
    assert found.layout == "COCO" and names_of(found) == ["a.png", "b.png"]
    assert found.pictures[0].path.samefile(tmp_path / f"{pictures}a.png")
    assert len(found.pictures[0].ground_truth.xyxy) == 0
    boxes = found.pictures[1].ground_truth
    assert boxes.xyxy.tolist() == [[1, 2, 4, 6], [0, 0, 5, 5]]
    assert [COCO_CLASSES[i] for i in boxes.class_ids] == ["dog", "person"]
    assert boxes.is_crowd.tolist() == [True, False]
    assert boxes.area.tolist() == [12, 9.5]


def test_coco_of_pose(tmp_path: Path) -> None:
    put_pictures(tmp_path, "a.png", "b.png")
    joints = list(range(51))
    person = {"id": 1, "image_id": 7, "category_id": 1, "bbox": [0, 0, 5, 5], "keypoints": joints}
    content = coco(annotations=[person])
    (tmp_path / "person_keypoints_val.json").write_text(json.dumps(content))
    found = datasets.read(tmp_path, "pose")
    truth = found.pictures[1].ground_truth
    assert truth.xyv.shape == (1, 17, 3) and truth.xyv[0, 1].tolist() == [3, 4, 5]
    assert truth.area.tolist() == [25]
    assert found.pictures[0].ground_truth.xyv.shape == (0, 17, 3)
    assert datasets.read(tmp_path, "detection").layout == "no labels"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{\n"images": [,]}', r"instances\.json: cannot be read as COCO .*line 2"),
        ("[]", r"instances\.json: cannot be read as COCO annotations"),
        (json.dumps(coco(images=[{"id": 7}])), r"COCO annotations \(no 'file_name'\)"),
        (json.dumps(coco(categories=[])), r"COCO annotations \(no '18'\)"),
        (
            json.dumps(coco(annotations=[{"image_id": 7, "category_id": 1, "bbox": [1, 2]}])),
            "cannot be read as COCO annotations",
        ),
        (json.dumps(coco(images=[{"id": 7, "file_name": "c.png"}])), r"no picture .*c\.png"),
    ],
)
def test_faulty_coco(tmp_path: Path, content: str, message: str) -> None:
    put_pictures(tmp_path, "a.png", "b.png")
    (tmp_path / "instances.json").write_text(content)
    with pytest.raises(BadInputError, match=message):
        datasets.read(tmp_path, "detection")


def outlined(*segmentations: object, **more: object) -> dict[str, object]:
    """Of b.png, 8×6: a dog, then a couch, then a pizza."""
    names = ["dog", "couch", "pizza"]
    annotations = [
        {"image_id": 7, "category_id": number, "bbox": [0, 0, 1, 1], "segmentation": one, **more}
        for number, one in enumerate(segmentations)
    ]
    pictures = [{"id": 7, "file_name": "b.png", "height": 6, "width": 8}]
    categories = [{"id": number, "name": name} for number, name in enumerate(names)]
    return {"images": pictures, "categories": categories, "annotations": annotations}


def square(left: int, top: int, right: int, bottom: int) -> list[list[int]]:
    return [[left, top, right, top, right, bottom, left, bottom]]


def masks_of(folder: Path, content: dict[str, object]) -> list[Outlines]:
    put_pictures(folder, "b.png")
    (folder / "instances.json").write_text(json.dumps(content))
    found = datasets.read(folder, "segmentation")
    assert found.layout == "COCO"
    return [picture.ground_truth for picture in found.pictures if picture.ground_truth]


def test_coco_outlines_are_voc_classes(tmp_path: Path) -> None:
    """A dog is VOC's 12, a couch its 18; pizza is background; where both are nobody knows."""
    (mask,) = masks_of(
        tmp_path, outlined(square(0, 0, 4, 6), square(3, 0, 8, 2), square(4, 4, 8, 6))
    )
    expected = np.zeros((6, 8), int)
    expected[:, :4], expected[:2, 4:], expected[:2, 3] = 12, 18, VOID
    assert np.array_equal(mask.read(), expected)


def test_a_crowd_is_void_and_a_run_length_code_is_read(tmp_path: Path) -> None:
    runs = {"size": [6, 8], "counts": [12, 6, 30]}  # the third column
    (mask,) = masks_of(tmp_path, outlined(runs, iscrowd=1))
    assert np.array_equal(mask.read() == VOID, np.tile(np.arange(8) == 2, (6, 1)))


def test_a_compressed_run_length_code_is_read(tmp_path: Path) -> None:
    (mask,) = masks_of(tmp_path, outlined({"size": [6, 8], "counts": "<6n0"}))  # 12, 6, 30
    assert np.array_equal(mask.read() == 12, np.tile(np.arange(8) == 2, (6, 1)))


def test_names_that_coco_lacks_leave_the_others_their_classes(tmp_path: Path) -> None:
    content = outlined(square(0, 0, 8, 6))
    content["categories"] = [{"id": 0, "name": "cat"}, {"id": 5, "name": "forklift"}]
    (mask,) = masks_of(tmp_path, content)
    assert (mask.read() == 8).all()


def test_objects_without_outlines_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"b\.png has an object without an outline"):
        masks_of(tmp_path, outlined([]))


@pytest.mark.parametrize("size", [(0, 8), (-1, 8), (10**7, 10**7)])
def test_a_size_is_checked_before_anything_is_drawn(tmp_path: Path, size: tuple[int, int]) -> None:
    content = outlined(square(0, 0, 1, 1))
    content["images"] = [{"id": 7, "file_name": "b.png", "height": size[0], "width": size[1]}]
    (mask,) = masks_of(tmp_path, content)
    with pytest.raises(BadInputError, match="annotated as"):
        mask.read()


@pytest.mark.parametrize(
    "segmentation",
    [
        *({"size": [3, 3], "counts": [9]}, [[1, 2]], "no", {"counts": 4}, [[0, 0, 1e9, 0, 5, 5]]),
        [[0, 0, float("nan"), 0, 5, 5]],
    ],
)
def test_a_damaged_outline_is_refused_by_its_picture(tmp_path: Path, segmentation: object) -> None:
    (mask,) = masks_of(tmp_path, outlined(segmentation))
    with pytest.raises(BadInputError, match=r"b\.png: has an outline"):
        mask.read()


def test_outlines_turn_with_the_picture(tmp_path: Path) -> None:
    put_turned(tmp_path / "b.jpg", 6)
    with PIL.Image.open(tmp_path / "b.jpg") as opened:
        stored = opened.size
    content = outlined(square(0, 0, 2, stored[1]))
    content["images"] = [{"id": 7, "file_name": "b.jpg", "height": stored[1], "width": stored[0]}]
    (tmp_path / "instances.json").write_text(json.dumps(content))
    (picture,) = datasets.read(tmp_path, "segmentation").pictures
    turned = picture.ground_truth.read()
    assert turned.shape == (stored[0], stored[1])
    assert (turned[:2] == 12).all() and not turned[2:].any()


def test_several_coco_files_must_be_told_apart(tmp_path: Path) -> None:
    for split in ("train", "val"):
        (tmp_path / f"instances_{split}.json").write_text(json.dumps(coco()))
    with pytest.raises(UsageError, match=r"instances_train\.json, instances_val\.json: name one"):
        datasets.read(tmp_path, "detection")


@pytest.mark.parametrize("folders", [("Annotations", "JPEGImages"), ("", "")])
def test_voc_boxes(tmp_path: Path, folders: tuple[str, str]) -> None:
    annotations, pictures = (tmp_path / folder for folder in folders)
    annotations.mkdir(exist_ok=True)
    put_pictures(pictures, "x.png", "y.png")
    (annotations / "x.xml").write_text(VOC_XML.format(name="sofa", difficult=0))
    (annotations / "y.xml").write_text(VOC_XML.format(name="person", difficult=1))
    found = datasets.read(tmp_path, "detection")
    assert found.layout == "VOC" and [Path(n).name for n in names_of(found)] == ["x.png", "y.png"]
    sofa, person = (p.ground_truth for p in found.pictures)
    assert sofa.xyxy.tolist() == [[0, 1, 5, 6]] and sofa.area.tolist() == [25]
    assert COCO_CLASSES[sofa.class_ids[0]] == "couch" and not sofa.is_crowd[0]
    assert COCO_CLASSES[person.class_ids[0]] == "person" and person.is_crowd[0]


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ("<annotation>\n<object>\n</annotation>", r"x\.xml: cannot be read .*line 3"),
        ("<a><object><name>dog</name></object></a>", r"x\.xml: .*an object has no bndbox/xmin"),
        (VOC_XML.format(name="dog", difficult=0).replace(">5<", ">five<"), "float: 'five'"),
    ],
)
def test_faulty_voc(tmp_path: Path, xml: str, message: str) -> None:
    put_pictures(tmp_path, "x.png")
    (tmp_path / "x.xml").write_text(xml)
    with pytest.raises(BadInputError, match=message):
        datasets.read(tmp_path, "detection")


def test_voc_without_its_picture(tmp_path: Path) -> None:
    (tmp_path / "x.xml").write_text(VOC_XML.format(name="dog", difficult=0))
    with pytest.raises(BadInputError, match=r"x\.xml: there is no picture called x\.\*"):
        datasets.read(tmp_path, "detection")


def test_voc_masks(tmp_path: Path) -> None:
    put_pictures(tmp_path / "JPEGImages", "x.png", "unlabelled.png")
    (tmp_path / "SegmentationClass").mkdir()
    levels = np.tile(np.array([[0, 15], [VOID, 2]], np.uint8), (3, 4))
    mask = PIL.Image.fromarray(levels)
    mask.putpalette(bytes(range(256)) * 3)
    mask.save(tmp_path / "SegmentationClass/x.png")
    found = datasets.read(tmp_path, "segmentation")
    assert names_of(found) == ["JPEGImages/x.png"]
    assert np.array_equal(found.pictures[0].ground_truth.read(), levels)
    assert names_of(datasets.read(tmp_path, "pose")) == [
        "JPEGImages/unlabelled.png",
        "JPEGImages/x.png",
    ]


def test_a_mask_in_colour_or_damaged_is_refused(tmp_path: Path) -> None:
    put_pictures(tmp_path, "colour.png")
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(BadInputError, match="must be a palette or gray"):
        Mask(tmp_path / "colour.png", tmp_path / "colour.png").read()
    with pytest.raises(BadInputError, match="cannot be read as a mask"):
        Mask(tmp_path / "cut.png", tmp_path / "colour.png").read()


def test_class_ids_are_those_of_coco_where_it_knows_all_names() -> None:
    assert class_ids(["tvmonitor", "person"]) == {
        "tvmonitor": COCO_CLASSES.index("tv"),
        "person": 0,
    }
    assert class_ids(["crack", "person"]) == {"crack": 0, "person": 1}
    assert len(set(COCO_CLASSES)) == 80


def test_ids_may_be_numbers_here_and_strings_there(tmp_path: Path) -> None:
    put_pictures(tmp_path, "a.png", "b.png")
    content = coco(categories=[{"id": "18", "name": "dog"}, {"id": "1", "name": "person"}])
    for item in content["annotations"]:
        item["image_id"] = str(item["image_id"])
    (tmp_path / "instances.json").write_text(json.dumps(content))
    boxes = datasets.read(tmp_path, "detection").pictures[1].ground_truth
    assert [COCO_CLASSES[i] for i in boxes.class_ids] == ["dog", "person"]


def test_annotations_that_belong_to_no_picture_are_refused(tmp_path: Path) -> None:
    put_pictures(tmp_path, "a.png", "b.png")
    content = coco(images=[{"id": 1, "file_name": "a.png"}])
    (tmp_path / "instances.json").write_text(json.dumps(content))
    with pytest.raises(BadInputError, match="no annotation belongs to a picture"):
        datasets.read(tmp_path, "detection")


# A red pixel at (9, 2) of the stored 12×8 image, and a box and a joint on it.
STORED = np.zeros((8, 12, 3), np.uint8)
STORED[2, 9] = 255, 0, 0


def put_turned(path: Path, number: int) -> None:
    exif = PIL.Image.Exif()
    exif[0x112] = number
    PIL.Image.fromarray(STORED).save(path, exif=exif)


def coco_of(**size: int) -> dict[str, object]:
    person = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [9, 2, 1, 1], "area": 1}
    return {
        "images": [{"id": 1, "file_name": "x.png", **size}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [{**person, "keypoints": [0, 0, 0, 9, 2, 2, *[0] * 45]}],
    }


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("number", [1, 5, 6, 7, 8])
def test_boxes_and_joints_turn_with_the_picture(tmp_path: Path, number: int, ending: str) -> None:
    path = tmp_path / f"x.{ending}"
    put_turned(path, number)
    content = json.dumps(coco_of(width=12, height=8)).replace("x.png", path.name)
    (tmp_path / "person_keypoints.json").write_text(content)
    (keypoints,) = (p.ground_truth for p in datasets.read(tmp_path, "pose").pictures)
    upright = images.read(path.read_bytes(), "x")
    ((y, x),) = np.argwhere(upright.pixels[..., 0] == 255).tolist()
    assert keypoints.xyxy.tolist() == [[x, y, x + 1, y + 1]]
    eye = 2 if number in (5, 7) else 1  # a mirrored picture shows the left eye as the right one
    assert keypoints.xyv[0, eye].tolist() == [x, y, 2]
    assert np.delete(keypoints.xyv[0], eye, axis=0).tolist() == [[0, 0, 0]] * 16


def test_annotations_of_the_upright_picture_stay(tmp_path: Path) -> None:
    put_turned(tmp_path / "x.png", 6)
    content = coco_of(width=8, height=12)
    content["annotations"][0]["bbox"] = [5, 9, 1, 1]
    (tmp_path / "instances.json").write_text(json.dumps(content))
    (picture,) = datasets.read(tmp_path, "detection").pictures
    assert picture.ground_truth.xyxy.tolist() == [[5, 9, 6, 10]]


@pytest.mark.parametrize(
    ("number", "size", "message"),
    [
        (1, {"width": 8, "height": 12}, "annotated as 8×12, but the picture has 12×8"),
        (6, {"width": 24, "height": 16}, "annotated as 24×16, but the picture has 8×12"),
        (6, {}, "does not tell whether the annotations are turned"),
        (3, {"width": 12, "height": 8}, "does not tell whether the annotations are turned"),
    ],
)
def test_annotations_that_do_not_fit_are_refused_by_name(
    tmp_path: Path, number: int, size: dict[str, int], message: str
) -> None:
    put_turned(tmp_path / "x.png", number)
    (tmp_path / "instances.json").write_text(json.dumps(coco_of(**size)))
    with pytest.raises(BadInputError, match=rf"instances\.json: .*x\.png: .*{message}"):
        datasets.read(tmp_path, "detection")


def test_a_box_outside_of_the_picture_is_refused(tmp_path: Path) -> None:
    put_turned(tmp_path / "x.png", 1)
    content = coco_of()
    content["annotations"][0]["bbox"] = [12, 0, 5, 5]
    (tmp_path / "instances.json").write_text(json.dumps(content))
    with pytest.raises(BadInputError, match=r"x\.png: has a box outside of the picture"):
        datasets.read(tmp_path, "detection")


def test_voc_boxes_and_masks_turn_with_the_picture(tmp_path: Path) -> None:
    for folder in ("JPEGImages", "Annotations", "SegmentationClass"):
        (tmp_path / folder).mkdir()
    put_turned(tmp_path / "JPEGImages/x.png", 6)
    PIL.Image.fromarray(STORED[..., 0] // 255).save(tmp_path / "SegmentationClass/x.png")
    (tmp_path / "SegmentationClass/._x.png").touch()
    (tmp_path / "Annotations/._x.xml").touch()
    size = "<size><width>12</width><height>8</height></size><object>"
    xml = VOC_XML.format(name="dog", difficult=0).replace("<object>", size, 1)
    (tmp_path / "Annotations/x.xml").write_text(xml)
    (boxes,) = (p.ground_truth for p in datasets.read(tmp_path, "detection").pictures)
    assert boxes.xyxy.tolist() == [[2, 0, 7, 5]]
    (mask,) = (p.ground_truth for p in datasets.read(tmp_path, "segmentation").pictures)
    upright = images.read((tmp_path / "JPEGImages/x.png").read_bytes(), "x")
    assert np.array_equal(mask.read() == 1, upright.pixels[..., 0] == 255)
