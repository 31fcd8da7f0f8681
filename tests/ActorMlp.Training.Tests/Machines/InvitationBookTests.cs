using ActorMlp.Training.Machines;

namespace ActorMlp.Training.Tests.Machines;

/// <summary>Nodes that were asked to take part, and whose answer, or the question, may have got lost.</summary>
public sealed class InvitationBookTests
{
    private readonly InvitationBook book = new(TimeSpan.FromSeconds(5));

    [Fact]
    public void Node_that_has_not_answered_is_asked_again_each_time_its_patience_ends()
    {
        book.Ask(3, TimeSpan.FromSeconds(1));
        book.Ask(4, TimeSpan.FromSeconds(2));
        Assert.Empty(book.TakeDue(TimeSpan.FromSeconds(5.9)));
        Assert.Equal([3], book.TakeDue(TimeSpan.FromSeconds(6)));
        Assert.Equal([4], book.TakeDue(TimeSpan.FromSeconds(10)));
        Assert.Equal([3], book.TakeDue(TimeSpan.FromSeconds(11)));
    }

    [Fact]
    public void Node_that_has_answered_is_not_asked_again_and_only_its_first_answer_counts()
    {
        book.Ask(3, TimeSpan.Zero);
        Assert.True(book.Awaits(3));
        Assert.True(book.Strike(3));
        Assert.False(book.Strike(3));
        Assert.False(book.Awaits(3));
        Assert.True(book.IsEmpty);
        Assert.Empty(book.TakeDue(TimeSpan.FromHours(1)));
    }
}
