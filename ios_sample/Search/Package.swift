// swift-tools-version: 6.0
import Foundation
import PackageDescription

/// A copy may leave the tests behind.
let hasTests = FileManager.default.fileExists(atPath: Context.packageDirectory + "/Tests")
let tests: [Target] = [
    .testTarget(name: "MobileCLIPSearchTests", dependencies: ["MobileCLIPSearch"]),
    .testTarget(name: "MobileCLIPKitTests", dependencies: ["MobileCLIPKit"]),
    .testTarget(name: "MobileCLIPUpdateTests", dependencies: ["MobileCLIPUpdate"]),
]
let package = Package(
    name: "Search",
    platforms: [.iOS(.v17), .macOS(.v14)],
    products: [
        .library(name: "MobileCLIPSearch", targets: ["MobileCLIPSearch"]),
        .library(name: "MobileCLIPKit", targets: ["MobileCLIPKit"]),
        .library(name: "MobileCLIPShop", targets: ["MobileCLIPShop"]),
        .library(name: "MobileCLIPUpdate", targets: ["MobileCLIPUpdate"]),
        .executable(name: "catalog-search", targets: ["catalog-search"]),
    ],
    targets: [
        .target(name: "MobileCLIPSearch"),
        .target(name: "MobileCLIPKit", dependencies: ["MobileCLIPSearch"]),
        .target(name: "MobileCLIPShop", dependencies: ["MobileCLIPSearch"]),
        .target(name: "MobileCLIPUpdate", dependencies: ["MobileCLIPSearch"]),
        .executableTarget(name: "catalog-search", dependencies: ["MobileCLIPSearch"]),
        .executableTarget(name: "search-bench", dependencies: ["MobileCLIPSearch"]),
    ] + (hasTests ? tests : []),
    swiftLanguageModes: [.v6]
)
