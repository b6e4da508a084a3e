"""A platform and a folder of golden inputs enter; what a person does with them on a phone leaves, step by step."""

from pathlib import Path

from parity.prove import adb
from parity.prove.proof import NAME

IOS_APP = "com.example.ShopSearch"           # the sample's identifier


def of(platform: str, model: str, goldens: Path) -> list[str]:
    """The steps, one a line."""
    found = {"android": android, "ios": ios}[platform](model, goldens)
    return [f"{place}. {step}" for place, step in enumerate(found, 1)]


def android(model: str, goldens: Path) -> list[str]:
    """With adb on a computer that reaches the phone or the emulator."""
    return [f"make apps MODEL={model}, and install the sample app: cd android_sample && ./gradlew :app:installDebug",
            f"adb push {goldens}/. {adb.FOLDER}",
            f"adb shell rm -f {adb.FOLDER}/{NAME}; adb shell am start -n {adb.APP}/{adb.ACTIVITY}",
            f"wait until the screen shows the figures, then adb pull {adb.FOLDER}/{NAME}",
            f"make prove MODEL={model} PLATFORM=android PROOF={NAME}"]


def ios(model: str, goldens: Path) -> list[str]:
    """With Xcode, which knows the phone; a simulator's folders lie on the computer."""
    data = f"--domain-type appDataContainer --domain-identifier {IOS_APP}"
    return [f"make apps MODEL={model}, and run the sample app from Xcode (ios_sample/App) on the phone",
            f"xcrun devicectl device copy to --device NAME {data} --source {goldens} --destination Documents/proof; a "
            f'simulator: cp -R {goldens} "$(xcrun simctl get_app_container booted {IOS_APP} data)/Documents/"',
            "open shopsearch://self-check on the phone (Safari's address field, say)",
            f"wait until the screen shows the figures, and share {NAME} to this computer; it lies in Documents/proof",
            f"make prove MODEL={model} PLATFORM=ios PROOF={NAME}"]
