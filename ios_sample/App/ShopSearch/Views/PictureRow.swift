import MobileCLIPKit
import MobileCLIPShop
import SwiftUI

/// The picture that is searched with, a touch on which chooses the object in it, and what it weighs beside the text.
struct PictureRow: View {
    let model: SearchModel
    let picture: ShopPicture
    @State private var isCropping = false

    var body: some View {
        HStack {
            Button {
                isCropping = true
            } label: {
                PicturePreview(file: model.pictureFile, box: picture.box, longest: 256).frame(width: 64, height: 64)
                    .clipped()
            }
            .accessibilityLabel("The picture that you search with")
            .accessibilityHint("Choose a part of the picture")
            if !model.question.words.isEmpty {
                BalanceSlider(model: model)
            } else {
                Spacer()
            }
            IconButton(title: "Remove the picture", symbol: "xmark.circle") { model.removePicture() }
                .keyboardShortcut(.cancelAction)
        }
        .sheet(isPresented: $isCropping) {
            CropScreen(file: model.pictureFile, region: picture.box) { model.crop($0) }
        }
    }
}

/// A picture's file, decoded small; nothing until it is.
struct PicturePreview: View {
    let file: URL?
    var box = CropBox.whole
    let longest: Int
    @State private var image: CGImage?

    var body: some View {
        VStack {
            if let image { Image(decorative: image, scale: 1).resizable().scaledToFit() }
        }
        .task(id: [file?.path ?? "", "\(box)"]) { image = await preview(file, box, longest: longest) }
    }
}

private nonisolated func preview(_ file: URL?, _ box: CropBox, longest: Int) async -> CGImage? {
    await Task.detached { file.flatMap { previewImage($0, region: box.region, longest: longest) } }.value
}
