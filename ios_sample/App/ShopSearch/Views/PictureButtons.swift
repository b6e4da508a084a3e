import MobileCLIPKit
import MobileCLIPShop
@preconcurrency import PhotosUI
import SwiftUI

/// The ways to a picture: the camera, the photo library, which needs no permission, and what was copied.
struct PictureButtons: View {
    let picked: (@escaping PictureLoader) -> Void
    @State private var isTaking = false
    @State private var isChoosing = false
    @State private var isChoosingNext = false  // once the camera's screen has gone
    @State private var chosen: PhotosPickerItem?
    @Environment(ShopKeeper.self) private var keeper

    var body: some View {
        HStack(spacing: 0) {
            if LiveCamera.isThere {
                IconButton(title: "Take a picture to search with", symbol: "camera") { isTaking = true }
                    .keyboardShortcut("k")
            }
            IconButton(title: "Choose a picture to search with", symbol: "photo") { isChoosing = true }
                .keyboardShortcut("o")
            PasteButton(payloadType: PictureFile.self) { take($0) }
                .labelStyle(.iconOnly).buttonBorderShape(.capsule)
        }
        .fullScreenCover(isPresented: $isTaking, onDismiss: cameraHasGone) {
            CameraScreen(live: SearchModel(keeper), taken: { file in picked { _ in file } }) { isChoosingNext = true }
        }
        .photosPicker(
            isPresented: $isChoosing, selection: $chosen, matching: .images, preferredItemEncoding: .current
        )
        .onChange(of: chosen) { _, item in
            guard let item else { return }
            chosen = nil
            picked { try await load(item, $0) }
        }
    }

    private func cameraHasGone() {
        (isChoosing, isChoosingNext) = (isChoosingNext, false)
    }

    private func take(_ files: [PictureFile]) {
        if let file = files.first { picked { _ in file.bytes } }
    }
}

/// A picture that is pasted or dropped: its file as it is.
struct PictureFile: Transferable {
    let bytes: Data

    static var transferRepresentation: some TransferRepresentation {
        DataRepresentation(importedContentType: .image) { PictureFile(bytes: $0) }
    }
}

/// From iCloud, perhaps; ends early where its task is cancelled.
private nonisolated func load(
    _ item: PhotosPickerItem, _ tell: @escaping @MainActor (Progress) -> Void
) async throws -> Data {
    let (answers, continuation) = AsyncStream<Result<Data?, any Error>>.makeStream()
    let progress = item.loadTransferable(type: Data.self) { continuation.yield($0) }
    defer { progress.cancel() }
    await tell(progress)
    for await answer in answers {
        guard let file = try answer.get() else { break }
        return file
    }
    throw ShopProblem.picture
}
