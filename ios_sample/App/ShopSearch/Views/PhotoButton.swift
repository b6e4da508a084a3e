import MobileCLIPSearch
import PhotosUI
import SwiftUI

/// Chooses a photo to search with, by the system's picker: it needs no permission.
struct PhotoButton: View {
    let model: SearchModel
    @State private var isOpen = false
    @State private var chosen: PhotosPickerItem?

    var body: some View {
        IconButton(title: "Choose a picture to search with", symbol: "photo") { isOpen = true }
            .photosPicker(isPresented: $isOpen, selection: $chosen, matching: .images)
            .onChange(of: chosen) { _, item in
                guard let item else { return }
                chosen = nil
                model.choose { try await read(item, size: $0) }
            }
    }
}

private func read(_ item: PhotosPickerItem, size: Int) async throws -> RGBImage {
    guard let file = try await item.loadTransferable(type: Data.self) else {
        throw SearchError.badRequest("the photo library gave no picture")
    }
    return try readPicture(file, size: size)
}
