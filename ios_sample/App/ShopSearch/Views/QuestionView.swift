import SwiftUI

/// The upper part of the search screen: the text, the picture, the balance between both, the category.
struct QuestionView: View {
    @Bindable var model: SearchModel
    @FocusState private var isTyping: Bool

    var body: some View {
        VStack(spacing: 8) {
            HStack(spacing: 0) {
                TextField("Search the shop", text: $model.question.text)
                    .textFieldStyle(.roundedBorder)
                    .submitLabel(.search)
                    .focused($isTyping)
                    .onSubmit { model.submit() }
                IconButton(title: "Search", symbol: "magnifyingglass") {
                    isTyping = false
                    model.submit()
                }
                CameraButton(model: model)
                PhotoButton(model: model)
            }
            if let picture = model.question.picture {
                PictureRow(model: model, picture: picture)
            }
            if model.categories.count > 1 {
                CategoryPicker(model: model)
            }
        }
        .padding(.horizontal)
        .padding(.vertical, 8)
        .background(.bar)
    }
}
