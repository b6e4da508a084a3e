"""Compiled Kotlin classes enter; what the Android libraries promise of them leaves, as text: API, metadata, LiteRT.

`python -m tests.android_library CLASSES MODULE` writes MODULE/api.txt anew, from a folder of classes.
"""

import re
import subprocess
import sys
from pathlib import Path

ANDROID = Path(__file__).resolve().parent.parent / "android_sample"
OPTIONS = "org/tensorflow/lite/Interpreter$Options"
# What the library may use of org.tensorflow.lite: members that LiteRT 2.x has as TensorFlow Lite 2.16.1 has, against
# which the sources compile here. From LiteRT's own sources (litert/kotlin/src/copied_from_tflite/java).
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


DECLARED = re.compile(r"( *)((?:\w+ )*?)(class|interface|object)\b(?: (\w+))?")
NAME = re.compile(r"\.([\w$]+)(?:<[^{]*>)?(?: extends| implements| \{)")        # of a class, in javap's head of it
INTERNAL = re.compile(r"(?<![\w.$])\w+\$[\w$]+\(|DefaultConstructorMarker|^\s*$")


def javap(*arguments: str, classes: list[Path]) -> str:
    return subprocess.run(["javap", *arguments, *map(str, classes)], capture_output=True, text=True, check=True).stdout


def class_files(folder: Path, package: str) -> list[Path]:
    """Of one package, in the order of their names."""
    return sorted((folder / package).glob("*.class"))


def public_api(classes: list[Path]) -> str:
    """What other code can link to: each class that the libraries' sources call public, with its public members.

    Sorted. Left out: what is internal, which Kotlin compiles to public with a `$` in its name, and what Kotlin makes
    for itself.
    """
    names = {name for module in ("search*", "update") for source in ANDROID.glob(f"{module}/src/main/kotlin/**/*.kt")
             for name in public_classes(source)}
    blocks = re.findall(r"^(public [^\n]*\{)\n(.*?)^\}", javap("-protected", classes=classes), re.MULTILINE | re.DOTALL)
    kept = [(head, sorted(line for line in body.splitlines() if not INTERNAL.search(line)))
            for head, body in blocks if NAME.search(head)[1] in names]
    return "\n".join("\n".join([head, *lines, "}"]) for head, lines in sorted(kept)) + "\n"


def public_classes(source: Path) -> set[str]:
    """Binary names without the package: nested ones as `Outer$Inner`, a file of public functions as `FileKt`."""
    found, outer = set(), []                 # outer: indentation and name of the classes around; None: not public
    for line in source.read_text(encoding="utf-8").splitlines():
        if re.match(r"public (?:\w+ )*fun ", line):
            found.add(f"{source.stem}Kt")
        declared = DECLARED.match(line)
        if not declared:
            continue
        indent, words, kind, name = declared.groups()
        while outer and len(outer[-1][0]) >= len(indent):
            outer.pop()
        name = name or "Companion"
        around = outer[-1][1] if outer else ""
        own = f"{around}${name}" if around else name
        public = "public" in words.split() and around is not None
        outer.append((indent, own if public else None))
        if public:
            found.add(own)
    return found


def metadata_versions(classes: list[Path]) -> set[str]:
    """What Kotlin wrote into its classes: the least compiler that reads them."""
    return set(re.findall(r"\bmv=\[([\d,]+)\]", javap("-v", classes=classes).replace(" ", "")))


def tensorflow_members(classes: list[Path]) -> set[str]:
    """Every method and field of org.tensorflow.lite that the classes refer to."""
    found = re.findall(r"(?:Methodref|InterfaceMethodref|Fieldref)\s+\S+\s+//\s+(org/tensorflow/lite/\S+)",
                       javap("-v", classes=classes))
    return {member.replace('"', "") for member in found}


def network_members(classes: list[Path]) -> set[str]:
    """Every class of the module update, or of those that open connections, to which the classes refer."""
    return set(re.findall(r"= Class\s+(?:\S+\s+//\s+)?(shop/mobileclip/update/\S+|java/net/(?!URI)\S+|javax/net/\S+"
                          r"|android/net/(?!Uri\b)\S+|java/nio/channels/SocketChannel)", javap("-v", classes=classes)))


def kotlin_block(readme: Path) -> str:
    """The first block of Kotlin in a README."""
    return re.search(r"^```kotlin\n(.*?)^```", readme.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[1]


def marked_lines(source: Path) -> str:
    """What stands between `// README.md` and `// end`, without its indentation."""
    block = re.search(r"^( *)// README\.md\n(.*?)^ *// end$", source.read_text(encoding="utf-8"),
                      re.MULTILINE | re.DOTALL)
    return re.sub(rf"^{block[1]}", "", block[2], flags=re.MULTILINE)


if __name__ == "__main__":
    classes, module = map(Path, sys.argv[1:])
    (module / "api.txt").write_text(public_api(sorted(classes.glob("*.class"))), encoding="utf-8")
