using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Tests.Machines;

/// <summary>In which order a node takes weights that came from two servers, and which it never takes.</summary>
public sealed class WaitingWeightsTests
{
    private readonly WeightsMachine copy = new();
    private readonly WaitingWeights waiting = new();
    private readonly List<string> taken = [];
    private readonly List<string> dropped = [];

    public WaitingWeightsTests() => copy.Handle(new ViewPublished(new View(1, [new ShardRange(new WorkerId(0, 0), 0, 4)])
    {
        Arrangement = new Arrangement(1, 0, [new(0, 0, 4), new(1, 4, 4)]),
    }));

    [Fact]
    public void Newer_piece_waits_until_the_step_that_came_first_is_whole()
    {
        Arrive(5, 0);
        Arrive(6, 0);
        Assert.Equal(["0@5"], taken);
        Arrive(5, 4);
        Assert.Equal(["0@5", "4@5", "0@6"], taken);
        Assert.Empty(dropped);
    }

    [Fact]
    public void Step_that_lacks_a_piece_is_given_up_once_a_newer_one_is_whole()
    {
        Arrive(5, 0);
        Arrive(6, 0);
        Arrive(7, 4);
        Arrive(7, 0);
        Assert.Equal(["0@5", "4@7", "0@7"], taken);
        Assert.Equal(["0@6"], dropped);
    }

    [Fact]
    public void Newcomer_takes_an_older_piece_of_another_server_and_then_the_newer()
    {
        Arrive(6, 0);
        Arrive(5, 4);
        Arrive(6, 4);
        Assert.Equal(["0@6", "4@5", "4@6"], taken);

        // A step before that one, which some server may not have finished, it cannot compute.
        Assert.False(copy.HasWeights);
        Arrive(7, 0);
        Arrive(7, 4);
        Assert.True(copy.HasWeights);
    }

    [Fact]
    public void Weights_that_wait_for_others_to_be_put_in_their_place_are_taken_step_by_step()
    {
        Add(5, 0);
        Add(6, 0);
        Add(5, 4);
        Take();
        Assert.Equal(["0@5", "4@5", "0@6"], taken);
        Assert.Empty(dropped);
    }

    [Fact]
    public void Weights_that_wait_are_skipped_once_a_newer_step_is_here_whole()
    {
        Add(5, 0);
        Add(6, 0);
        Add(5, 4);
        Assert.Empty(dropped);
        Add(6, 4);
        Assert.Equal(["0@5", "4@5"], dropped);
        Take();
        Assert.Equal(["0@6", "4@6"], taken);
    }

    [Fact]
    public void Everything_that_waits_is_let_go_of_at_the_end()
    {
        Add(5, 0);
        waiting.Clear();
        Assert.Equal(["0@5"], dropped);
        Assert.False(waiting.TryTake(copy, 2));
    }

    private void Arrive(long step, int offset)
    {
        Add(step, offset);
        Take();
    }

    private void Add(long step, int offset)
    {
        var message = new WeightsArrived(1, step, offset, 1, Held: false);
        waiting.Add(
            message,
            2,
            () =>
            {
                taken.Add($"{offset}@{step}");
                copy.Handle(message);
            },
            () => dropped.Add($"{offset}@{step}"));
    }

    private void Take()
    {
        while (waiting.TryTake(copy, 2))
        {
        }
    }
}
