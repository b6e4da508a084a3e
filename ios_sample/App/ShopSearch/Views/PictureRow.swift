import MobileCLIPSearch
import SwiftUI

/// The picture that is searched with, and what it weighs beside the text.
struct PictureRow: View {
    let model: SearchModel
    let picture: RGBImage

    var body: some View {
        HStack {
            PicturePreview(picture: picture)
            if !model.question.words.isEmpty {
                BalanceSlider(model: model)
            } else {
                Spacer()
            }
            IconButton(title: "Remove the picture", symbol: "xmark.circle") {
                model.question.picture = nil
                model.ask()
            }
        }
    }
}
