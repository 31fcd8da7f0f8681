using ActorMlp.Cluster.Runs;

namespace ActorMlp.Cluster.Tests.Runs;

/// <summary>An order counts only with all vectors that were sent with it, and no others.</summary>
public sealed class ArrivingVectorsTests
{
    private readonly ArrivingVectors arriving = new(new SharedBuffers(4), 4);

    [Fact]
    public void Vectors_that_came_whole_are_collected_once_in_their_order()
    {
        Take(ticket: 7, vector: 1, 0, 5, 6, 7, 8);
        Take(ticket: 7, vector: 0, 2, 3, 4);
        Take(ticket: 7, vector: 0, 0, 1, 2);
        Assert.Equal([[1, 2, 3, 4], [5, 6, 7, 8]], Collect(7));
        Assert.Null(Collect(7));
    }

    [Fact]
    public void Order_of_which_a_piece_is_missing_does_not_count()
    {
        Take(ticket: 7, vector: 0, 0, 1, 2);
        Assert.Null(Collect(7));
        Take(ticket: 7, vector: 0, 0, 1, 2);
        Assert.Null(Collect(7));
        Take(ticket: 7, vector: 0, 2, 3, 4);
        Assert.Equal([[1, 2, 3, 4]], Collect(7));
    }

    [Fact]
    public void What_is_left_of_another_order_is_forgotten()
    {
        Take(ticket: 7, vector: 0, 0, 9, 9, 9, 9);
        Take(ticket: 8, vector: 0, 0, 1, 2);
        Assert.Null(Collect(7));
        Assert.Null(Collect(8));
        Take(ticket: 8, vector: 0, 2, 3, 4);
        Assert.Equal([[1, 2, 3, 4]], Collect(8));
    }

    [Fact]
    public void Orders_of_other_shares_and_nodes_are_others()
    {
        Take(ticket: 7, vector: 0, 0, 1, 2, 3, 4);
        Assert.Null(arriving.Collect("a", 2, 7));
        Assert.Null(arriving.Collect("b", 1, 7));
        arriving.Clear();
        Assert.Null(Collect(7));
    }

    private void Take(long ticket, int vector, int offset, params float[] values) => arriving.Take("a", 1, ticket, vector, offset, values);

    private float[][]? Collect(long ticket) => arriving.Collect("a", 1, ticket) is { } found ? [.. found.Select(buffer => buffer.Floats.ToArray())] : null;
}
