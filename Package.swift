// swift-tools-version: 6.0
// The search package by URL (ios_sample/Search/README.md): its libraries, without its tools and tests.
import PackageDescription

let sources = "ios_sample/Search/Sources/"
let package = Package(
    name: "MobileCLIPSearch",
    platforms: [.iOS(.v17), .macOS(.v14)],
    products: [
        .library(name: "MobileCLIPSearch", targets: ["MobileCLIPSearch"]),
        .library(name: "MobileCLIPKit", targets: ["MobileCLIPKit"]),
        .library(name: "MobileCLIPShop", targets: ["MobileCLIPShop"]),
        .library(name: "MobileCLIPUpdate", targets: ["MobileCLIPUpdate"]),
    ],
    targets: [
        .target(name: "MobileCLIPSearch", path: sources + "MobileCLIPSearch"),
        .target(name: "MobileCLIPKit", dependencies: ["MobileCLIPSearch"], path: sources + "MobileCLIPKit"),
        .target(name: "MobileCLIPShop", dependencies: ["MobileCLIPSearch"], path: sources + "MobileCLIPShop"),
        .target(name: "MobileCLIPUpdate", dependencies: ["MobileCLIPSearch"], path: sources + "MobileCLIPUpdate"),
    ],
    swiftLanguageModes: [.v6]
)
