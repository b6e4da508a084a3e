"""Compiled Kotlin classes enter; what the Android libraries promise of them leaves, as text: API, metadata, LiteRT.

`python -m tests.android_library CLASSES API` writes the public API of a folder of classes into a file anew.
"""

import re
import subprocess
import sys
from pathlib import Path

ANDROID = Path(__file__).resolve().parent.parent / "android_sample"
OPTIONS = "org/tensorflow/lite/Interpreter$Options"
# What LiteRT 2.x has of org.tensorflow.lite, of what TensorFlow Lite 2.16.1 has, against which the sources compile here:
# as LiteRT's own sources list it (litert/kotlin/src/copied_from_tflite/java).
LITERT = {
    "org/tensorflow/lite/Interpreter.<init>:(Ljava/nio/ByteBuffer;L" + OPTIONS + ";)V",
    "org/tensorflow/lite/Interpreter.run:(Ljava/lang/Object;Ljava/lang/Object;)V",
    "org/tensorflow/lite/Interpreter.setCancelled:(Z)V",
    "org/tensorflow/lite/Interpreter.close:()V",
    OPTIONS + ".<init>:()V",
    OPTIONS + ".setUseXNNPACK:(Z)L" + OPTIONS + ";",
    OPTIONS + ".setNumThreads:(I)L" + OPTIONS + ";",
    OPTIONS + ".setCancellable:(Z)L" + OPTIONS + ";",
}


def javap(*arguments: str, classes: list[Path]) -> str:
    return subprocess.run(["javap", *arguments, *map(str, classes)], capture_output=True, text=True, check=True).stdout


def class_files(folder: Path, package: str) -> list[Path]:
    """Of one package, in the order of their names."""
    return sorted((folder / package).glob("*.class"))


def public_api(classes: list[Path]) -> str:
    """What other code can link to: each public class with its public and protected members, sorted.

    Left out: what Kotlin makes for itself (synthetic members), and the name of the source.
    """
    blocks = re.findall(r"^(public [^\n]*\{)\n(.*?)^\}", javap("-protected", classes=classes), re.MULTILINE | re.DOTALL)
    kept = [(head, sorted(line for line in body.splitlines() if "$$" not in line and line.strip()))
            for head, body in blocks if "$WhenMappings" not in head]
    return "\n".join("\n".join([head, *lines, "}"]) for head, lines in sorted(kept)) + "\n"


def metadata_versions(classes: list[Path]) -> set[str]:
    """What Kotlin wrote into its classes: the least compiler that reads them."""
    return set(re.findall(r"\bmv=\[([\d,]+)\]", javap("-v", classes=classes).replace(" ", "")))


def tensorflow_members(classes: list[Path]) -> set[str]:
    """Every method and field of org.tensorflow.lite that the classes refer to."""
    found = re.findall(r"(?:Methodref|InterfaceMethodref|Fieldref)\s+\S+\s+//\s+(org/tensorflow/lite/\S+)",
                       javap("-v", classes=classes))
    return {member.replace('"', "") for member in found}


def kotlin_block(readme: Path) -> str:
    """The first block of Kotlin in a README."""
    return re.search(r"^```kotlin\n(.*?)^```", readme.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[1]


def marked_lines(source: Path) -> str:
    """What stands between `// README.md` and `// end`, without its indentation."""
    block = re.search(r"^( *)// README\.md\n(.*?)^ *// end$", source.read_text(encoding="utf-8"),
                      re.MULTILINE | re.DOTALL)
    return re.sub(rf"^{block[1]}", "", block[2], flags=re.MULTILINE)


if __name__ == "__main__":
    classes, target = map(Path, sys.argv[1:])
    target.write_text(public_api(sorted(classes.glob("*.class"))), encoding="utf-8")
