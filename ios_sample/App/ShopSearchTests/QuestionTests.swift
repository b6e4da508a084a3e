import Foundation
import MobileCLIPSearch
import Testing

@testable import MobileCLIPShop

struct QuestionTests {
    private let picture = ShopPicture(name: "a")
    private let image: RGBImage
    private let catalog: ProductCatalog
    private let made: MadeShop

    init() throws {
        image = try RGBImage(bytes: [1, 2, 3], width: 1, height: 1)
        made = try MadeShop()
        catalog = try ProductCatalog.open(made.file("shop.catalog"))
    }

    @Test func isEmptyUntilSomethingIsLookedFor() throws {
        #expect(ShopQuestion().isEmpty && ShopQuestion(text: " \t\n").isEmpty)
        #expect(ShopQuestion(category: "Clothing").isEmpty)
        #expect(throws: SearchError.self) { try ShopQuestion().request(nil, in: catalog) }
        let like = ShopQuestion(like: try catalog.product(0).id)
        for question in [ShopQuestion(text: "red"), ShopQuestion(picture: picture), like] {
            #expect(!question.isEmpty)
            #expect(throws: Never.self) {
                try question.request(question.picture == nil ? nil : image, in: catalog)
            }
        }
    }

    @Test func likeStandsAlone() throws {
        let question = ShopQuestion(text: "red", picture: picture, like: try catalog.product(3).id)
        #expect(throws: Never.self) { try question.request(image, in: catalog) }
        #expect(question.words.isEmpty)
    }

    @Test func likeAProductThatIsNoMoreSaysSo() {
        #expect(throws: ShopProblem.gone) { try ShopQuestion(like: "nobody").request(nil, in: catalog) }
    }

    @Test func aLongTextIsCut() {
        #expect(ShopQuestion(text: String(repeating: "e\u{301}", count: 900)).words.unicodeScalars.count == 1000)
    }

    @Test func comesBackFromItsJson() throws {
        var question = ShopQuestion(text: "rot 紅 🧵", picture: picture, category: "Clothing")
        question.picture?.box = CropBox.whole.moved(.upperLeft, x: 0.25, y: 0.5)
        (question.lowest, question.highest, question.slider) = (Decimal(string: "1.99"), 20, 0.3)
        let again = try JSONDecoder().decode(ShopQuestion.self, from: JSONEncoder().encode(question))
        #expect(again == question)
    }
}

struct CropBoxTests {
    private func isWithin(_ box: CropBox) -> Bool {
        box.left >= 0 && box.top >= 0 && box.right <= 1 && box.bottom <= 1 && box.width > 0.0999 && box.height > 0.0999
            && (box == .whole || box.region != nil)
    }

    @Test func staysWithinThePictureHoweverItIsDragged() {
        var box = CropBox.whole
        var state: UInt64 = 7
        func step() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return 3 * (Double(state >> 40) / Double(1 << 24)) - 1.5
        }
        for turn in 0..<4000 {
            switch turn % 6 {
            case 0..<4: box = box.moved(CropBox.Corner.allCases[turn % 4], x: step(), y: step())
            case 4: box = box.moved(x: step(), y: step())
            default: box = box.scaled(abs(step()))
            }
            #expect(isWithin(box), "\(box)")
        }
    }

    @Test func movedAsAWholeItKeepsItsSize() {
        let box = CropBox.whole.moved(.lowerRight, x: -0.5, y: -0.75).moved(x: 0.25, y: 9)
        #expect(box.left == 0.25 && box.right == 0.75 && box.top == 0.75 && box.bottom == 1)
    }

    @Test func aCornerMovesAloneAndTheWholeHasNoRegion() {
        let box = CropBox.whole.moved(.upperRight, x: -0.25, y: 0.5)
        #expect(box.left == 0 && box.right == 0.75 && box.top == 0.5 && box.bottom == 1)
        #expect(CropBox.whole.region == nil && box.region?.width == 0.75)
        #expect(box.moved(.upperRight, x: 0.25, y: -0.5) == .whole && box.scaled(9) == .whole)
    }
}
