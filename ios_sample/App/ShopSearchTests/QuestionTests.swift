import MobileCLIPSearch
import Testing

@testable import ShopSearch

struct QuestionTests {
    @Test func isEmptyUntilSomethingIsLookedFor() throws {
        #expect(Question().isEmpty && Question(text: " \t\n").isEmpty && Question(category: "Clothing").isEmpty)
        #expect(throws: SearchError.self) { try Question().request() }
        let picture = try RGBImage(bytes: [1, 2, 3], width: 1, height: 1)
        for question in [Question(text: "red"), Question(picture: picture), Question(like: 0)] {
            #expect(!question.isEmpty)
            #expect(throws: Never.self) { try question.request() }
        }
    }

    @Test func likeStandsAlone() throws {
        let picture = try RGBImage(bytes: [1, 2, 3], width: 1, height: 1)
        let question = Question(text: "red", picture: picture, like: 3)
        #expect(throws: Never.self) { try question.request() }
        #expect(question.words.isEmpty)
    }

    @Test func aLongTextIsCut() {
        #expect(Question(text: String(repeating: "e\u{301}", count: 900)).words.unicodeScalars.count == 1000)
    }
}
