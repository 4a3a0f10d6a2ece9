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
    assert truth.boxes.area.tolist() == [25]
    assert found.pictures[0].ground_truth.xyv.shape == (0, 17, 3)
    assert datasets.read(tmp_path, "detection").layout == "no labels"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{\n"images": [,]}', r"instances\.json:2: not JSON"),
        ("[]", r"instances\.json: not COCO annotations"),
        (json.dumps(coco(images=[{"id": 1}])), r"not COCO annotations \(no 'file_name'\)"),
        (json.dumps(coco(categories=[])), r"not COCO annotations \(no 18\)"),
        (
            json.dumps(coco(annotations=[{"image_id": 7, "category_id": 1, "bbox": [1, 2]}])),
            "not COCO annotations",
        ),
        (json.dumps(coco(images=[{"id": 1, "file_name": "c.png"}])), r"no picture .*c\.png"),
    ],
)
def test_faulty_coco(tmp_path: Path, content: str, message: str) -> None:
    put_pictures(tmp_path, "a.png", "b.png")
    (tmp_path / "instances.json").write_text(content)
    with pytest.raises(BadInputError, match=message):
        datasets.read(tmp_path, "detection")


def test_several_coco_files_must_be_told_apart(tmp_path: Path) -> None:
    for split in ("train", "val"):
        (tmp_path / f"instances_{split}.json").write_text(json.dumps(coco()))
    with pytest.raises(UsageError, match=r"instances_train\.json, instances_val\.json: name the"):
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
        ("<annotation>\n<object>\n</annotation>", r"x\.xml:3: not XML"),
        ("<a><object><name>dog</name></object></a>", r"x\.xml: an object has no bndbox/xmin"),
        (VOC_XML.format(name="dog", difficult=0).replace(">5<", ">five<"), "not of numbers"),
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
    levels = np.array([[0, 15], [VOID, 2]], np.uint8)
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
        Mask(tmp_path / "colour.png").read()
    with pytest.raises(BadInputError, match="cannot be read as a mask"):
        Mask(tmp_path / "cut.png").read()


def test_class_ids_are_those_of_coco_where_it_knows_all_names() -> None:
    assert class_ids(["tvmonitor", "person"]) == {
        "tvmonitor": COCO_CLASSES.index("tv"),
        "person": 0,
    }
    assert class_ids(["crack", "person"]) == {"crack": 0, "person": 1}
    assert len(set(COCO_CLASSES)) == 80
