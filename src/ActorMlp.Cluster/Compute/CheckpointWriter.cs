using ActorMlp.Training.Messages;
using ActorMlp.Training.Storage;
using Akka.Actor;

namespace ActorMlp.Cluster.Compute;

/// <summary>
/// Writes checkpoints in the background, in the order in which they were asked for. A checkpoint that waits is replaced by a newer one of its
/// kind, so a slow disk delays nobody; a best checkpoint always goes to disk before the last one that refers to it, so after one that could not be written there are no more.
/// </summary>
/// <param name="directory">The run's folder.</param>
public sealed class CheckpointWriter(RunDirectory directory)
{
    private readonly Lock gate = new();
    private readonly List<Entry> waiting = [];
    private Task writer = Task.CompletedTask;
    private string? failure;

    /// <summary>Writes a checkpoint, later. The asker gets <see cref="CheckpointWritten"/> or <see cref="CheckpointFailed"/>.</summary>
    /// <param name="kind">Which one.</param>
    /// <param name="checkpoint">What is in it.</param>
    /// <param name="asker">Who hears of it.</param>
    /// <param name="after">What it is worth nothing without: it is waited for, and if it fails the checkpoint does.</param>
    /// <param name="release">Called when its vectors are needed no more: it is written, could not be, or never will be.</param>
    public void Save(CheckpointKind kind, CheckpointDraft checkpoint, IActorRef asker, Task? after = null, Action? release = null)
    {
        var entry = new Entry(kind, checkpoint, asker, after ?? Task.CompletedTask, release ?? (static () => { }));
        lock (gate)
        {
            if (failure is not null)
            {
                entry.Release();
                asker.Tell(new CheckpointFailed(failure));
                return;
            }

            Drop(waits => kind == CheckpointKind.Best || waits.Kind == kind);
            waiting.Add(entry);
            if (writer.IsCompleted)
            {
                writer = Task.Run(WriteAllAsync);
            }
        }
    }

    /// <summary>All that was asked for is written, or could not be. To be waited for before a process ends: a run that failed is resumed from its newest checkpoint.</summary>
    public Task WrittenAsync()
    {
        lock (gate)
        {
            return writer;
        }
    }

    /// <summary>Waits until all is written, then reads the best checkpoint.</summary>
    /// <param name="step">Steps committed in it.</param>
    /// <exception cref="StorageException">It is missing, damaged, or of another step.</exception>
    public async Task<Checkpoint> LoadBestAsync(long step)
    {
        await WrittenAsync().ConfigureAwait(false);
        var best = Checkpoint.Load(directory.BestCheckpoint);
        return best.Progress.Step == step
            ? best
            : throw new StorageException(
                directory.BestCheckpoint,
                $"is the best checkpoint of step {best.Progress.Step}; the one of step {step} could not be written, so the run has to be resumed from its last checkpoint");
    }

    private async Task WriteAllAsync()
    {
        while (true)
        {
            Entry entry;
            lock (gate)
            {
                if (waiting.Count == 0)
                {
                    // Under the lock, so that nobody adds to a queue whose writer is about to leave.
                    writer = Task.CompletedTask;
                    return;
                }

                entry = waiting[0];
                waiting.RemoveAt(0);
            }

            string path = entry.Kind == CheckpointKind.Best ? directory.BestCheckpoint : directory.LastCheckpoint;
            try
            {
                await entry.After.ConfigureAwait(false);
                entry.Checkpoint.Save(path);
                entry.Asker.Tell(new CheckpointWritten(entry.Kind, entry.Checkpoint.Progress.Step, path));
            }
            catch (StorageException exception)
            {
                // Nothing after it: a last checkpoint is worth nothing without the best one that it refers to.
                lock (gate)
                {
                    failure = exception.Message;
                    Drop(_ => true);
                }

                entry.Asker.Tell(new CheckpointFailed(exception.Message));
            }
            finally
            {
                entry.Release();
            }
        }
    }

    /// <summary>Lets go of checkpoints that wait.</summary>
    private void Drop(Predicate<Entry> which)
    {
        waiting.FindAll(which).ForEach(entry => entry.Release());
        waiting.RemoveAll(which);
    }

    private sealed record Entry(CheckpointKind Kind, CheckpointDraft Checkpoint, IActorRef Asker, Task After, Action Release);
}
